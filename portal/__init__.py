"""Every way in: pages, HTTP API, command line."""
