"""The public intake of reports: an application and a process of its own; no cookies, no scripts, no logs."""
