"""The JSON API below /api/v1: one module a resource, found by name."""

from fastapi import FastAPI


def mount_api(app: FastAPI) -> None:
    """Add the API."""
