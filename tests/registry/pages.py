"""Small pages and runs for tests of storing and linking."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.page import Page
from registry.arrivals import Interpret, Refused
from registry.database import transaction
from registry.record_fields import RECORD_FIELDS
from registry.storing import PageCounts, Writer, store_page

AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def page(entries: Sequence[Mapping[str, Any]], label: str = "page 1", **more: Any) -> Page:
    """A page of entries; each is the row's fields, with `source_key` and `source_modified` as an ISO text."""
    stamps = [datetime.fromisoformat(entry["source_modified"]) for entry in entries if entry.get("source_modified")]
    return Page(
        label=label,
        keys=[entry["source_key"] for entry in entries],
        raws=[orjson.dumps(entry, default=str, option=orjson.OPT_SORT_KEYS) for entry in entries],
        entries=list(entries),
        rejected=more.pop("rejected", []),
        checkpoint=more.pop("checkpoint", {"label": label}),
        received_bytes=0,
        last=True,
        newest=max(stamps, default=None),
        **more,
    )


def row_of(entry: Mapping[str, Any], raw: bytes, position: int) -> tuple[Any, ...] | Refused:
    """The row of an entry; one with the field `broken` is refused."""
    if "broken" in entry:
        return Refused(position, raw, "broken", str(entry["broken"]), entry["source_key"])
    values = {"act": "land_grant", "acted_on": date(2015, 6, 1), "synthetic": True, **entry}
    if values.get("source_modified"):
        values["source_modified"] = datetime.fromisoformat(values["source_modified"])
    return tuple(values.get(name) for name in RECORD_FIELDS)


def rows_of(arrived: Page) -> Interpret:
    """What interprets a page's entries."""
    return lambda positions: [row_of(arrived.entries[one], arrived.raws[one], one) for one in positions]


async def open_run(engine: AsyncEngine, feed: str = "land", state: str = "running") -> Writer:
    """A new run of a feed that holds the newest token."""
    async with transaction(engine) as session:
        connection = await session.connection()
        token = await connection.execute(
            text(
                "INSERT INTO feeds (id, last_token) VALUES (:feed, 1) "
                "ON CONFLICT (id) DO UPDATE SET last_token = feeds.last_token + 1 RETURNING last_token"
            ),
            {"feed": feed},
        )
        values = {"feed": feed, "state": state, "token": token.scalar_one()}
        run = await connection.execute(
            text(
                "INSERT INTO sync_runs (feed, slot, state, token) "
                "VALUES (:feed, clock_timestamp(), :state, :token) RETURNING id"
            ),
            values,
        )
        return Writer(feed, run.scalar_one(), values["token"], "mapping-1")


async def store(engine: AsyncEngine, writer: Writer, arrived: Page, at: datetime = AT) -> PageCounts:
    """Store one page in a transaction of its own."""

    async with transaction(engine) as session:
        return await store_page(session, writer, arrived, rows_of(arrived), at)


async def rows(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    """The rows of a query, as tuples."""
    async with transaction(engine) as session:
        found = await (await session.connection()).execute(text(statement), values)
        return [tuple(row) for row in found]
