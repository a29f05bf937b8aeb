"""The three agencies of the demo, played over HTTP on loopback: each in a manner of its own, and able to misbehave."""

from deploy.agencies.play import AGENCIES, Players, bench_land_records, played, read_records

__all__ = ["AGENCIES", "Players", "bench_land_records", "played", "read_records"]
