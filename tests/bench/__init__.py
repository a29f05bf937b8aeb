"""Measurements against a floor and peers in the same run."""
