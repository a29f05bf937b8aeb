"""`python -m registry.migrations`: bring the database at THREEGATES_DATABASE_URL to the newest schema."""

import asyncio
import sys

from registry.errors import ThreegatesError
from registry.migrations import upgrade
from registry.settings import settings

if __name__ == "__main__":
    try:
        asyncio.run(upgrade(settings().database_dsn()))
    except ThreegatesError as error:
        sys.exit(f"threegates: {error}")
