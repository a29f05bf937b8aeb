"""Fetches agency feeds over HTTP and parses them into canonical records; no database."""
