"""The schema's history; `python -m registry.migrations` brings a database to its newest state."""
