"""Restating a set of facts with history: what is no longer said is closed, what is new is added, the rest stays.

One call handles one table for many owners at once: the rows said for an owner are all its current rows afterwards.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, any_, bindparam, select, text
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.errors import Conflict
from registry.history import FOREVER

# What says who knew it, when and why, is not what is said.
_TOLD = frozenset({"version_id", "known_from", "known_to", "source_id", "reason", "actor"})


@dataclass(frozen=True, slots=True)
class Telling:
    """Who says so, when the register learns it, and why.

    With a list in `told` every row that is closed or added is kept there, for registry.audit_changes.
    """

    actor: str
    at: datetime
    reason: str = ""
    source: str | None = None
    told: list["Told"] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a table that a telling closed (`new` is False) or added."""

    table: str
    new: bool
    row: dict[str, Any]


def content_columns(table: type[SQLModel]) -> list[str]:
    """The columns that say the fact itself."""
    return [column.name for column in _columns(table) if column.name not in _TOLD]


def _columns(table: type[SQLModel]) -> list[Column[Any]]:
    return list(SQLModel.metadata.tables[str(table.__tablename__)].columns)


async def restate(
    session: AsyncSession,
    table: type[SQLModel],
    key: str,
    owners: Collection[int],
    rows: Sequence[Mapping[str, Any]],
    telling: Telling,
) -> set[int]:
    """Make `rows` the current rows of `owners` (values of column `key`); returns the owners of whom anything changed.

    A row has the content columns, and may have `known_from` and `source_id` of its own; missing columns are NULL, so
    give every column that must not be. An owner without rows loses its current rows. Equal rows stay untouched, so that
    saying the same again changes nothing.
    """
    if not owners:
        return set()
    name = str(table.__tablename__)
    columns = content_columns(table)
    one, other = (f"ROW({', '.join(f'{alias}.{column}' for column in columns)})" for alias in ("said", "held"))
    equal = f"said.{key} = held.{key} AND {one} IS NOT DISTINCT FROM {other}"
    connection = await session.connection()
    await connection.execute(text("DROP TABLE IF EXISTS said"))
    await connection.execute(text(f"CREATE TEMP TABLE said (LIKE {name}) ON COMMIT DROP"))
    await connection.execute(text("ALTER TABLE said DROP version_id, DROP reason, DROP actor"))
    into = ", ".join([*columns, "known_from", "source_id"])
    await connection.execute(
        text(
            f"INSERT INTO said ({into}, known_to) "
            f"SELECT {', '.join(columns)}, coalesce(known_from, :at), coalesce(source_id, :source), 'infinity' "
            f"FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
        ),
        {"rows": json_text(list(rows)), "at": telling.at, "source": telling.source},
    )
    await connection.execute(text("ANALYZE said"))
    binds = (bindparam("owners", list(owners), ARRAY(BigInteger)),)
    closed = await connection.execute(
        text(
            f"UPDATE {name} AS held SET known_to = :at WHERE held.{key} = ANY(:owners) AND held.known_to = 'infinity' "
            f"AND NOT EXISTS (SELECT FROM said WHERE {equal}) RETURNING held.{key}, held.known_from, "
            f"{_whole('held', telling)}"
        ).bindparams(*binds, at=telling.at)
    )
    changed = set()
    for owner, known_from, row in closed:
        if known_from > telling.at:
            raise Conflict(
                f"The register learnt what it holds after {telling.at:%Y-%m-%d %H:%M}.",
                where=name,
                remedy="Give a later instant.",
            )
        changed.add(owner)
        _keep(telling, name, new=False, row=row)
    added = await connection.execute(
        text(
            f"INSERT INTO {name} ({into}, reason, actor) "
            f"SELECT {into}, :reason, :actor FROM said "
            f"WHERE NOT EXISTS (SELECT FROM {name} AS held WHERE {equal} AND held.known_to = 'infinity') "
            f"RETURNING {key}, {_whole(name, telling)}"
        ).bindparams(reason=telling.reason, actor=telling.actor)
    )
    for owner, row in added:
        changed.add(owner)
        _keep(telling, name, new=True, row=row)
    return changed


def _whole(alias: str, telling: Telling) -> str:
    """The row for `told`; nothing of it travels where nobody keeps it."""
    return "NULL" if telling.told is None else f"to_jsonb({alias}.*)"


def _keep(telling: Telling, table: str, *, new: bool, row: dict[str, Any] | None) -> None:
    if telling.told is not None and row is not None:
        telling.told.append(Told(table, new, row))


async def current_rows(
    session: AsyncSession, table: type[SQLModel], key: str, owners: Collection[int]
) -> list[dict[str, Any]]:
    """The current rows of owners, all columns, in order of owner and version."""
    columns = {column.name: column for column in _columns(table)}
    query = (
        select(*columns.values())
        .where(
            columns[key] == any_(bindparam("owners", list(owners), ARRAY(BigInteger))), columns["known_to"] == FOREVER
        )
        .order_by(columns[key], columns["version_id"])
    )
    rows = await (await session.connection()).execute(query)
    return [dict(row) for row in rows.mappings()]
