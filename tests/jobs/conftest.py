"""Fixtures of the jobs' tests."""

from tests.jobs.agencies import land, land_records, players

__all__ = ["land", "land_records", "players"]
