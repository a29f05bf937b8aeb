"""Alerts: which findings a desk must look at, who is told, by which channel, and what became of each telling."""
