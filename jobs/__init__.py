"""What runs when (the schedule) and who runs it (workers on a queue in PostgreSQL)."""
