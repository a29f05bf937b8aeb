"""A small register, all invented: what the tests of search look for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import dirty, names
from registry.database import driver, transaction
from registry.dirty import Kind

KNOWN = "2020-01-01T00:00:00Z"


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """The driver's connection of one transaction."""
    async with transaction(engine) as session:
        yield await driver(session)


async def _add(connection: asyncpg.Connection, table: str, returning: str, **values: Any) -> int:
    columns, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {returning}"
    return int(await connection.fetchval(statement, *values.values()))


async def mark(engine: AsyncEngine, kind: Kind, *ids: int) -> None:
    """Mark for indexing, as whoever changes a row does."""
    async with transaction(engine) as session:
        await dirty.mark(session, "index", kind, ids)


async def mark_all(engine: AsyncEngine) -> None:
    """Mark everything for indexing."""
    async with connected(engine) as connection:
        for kind, ids in (
            ("project", "SELECT id FROM projects"),
            ("enterprise", "SELECT id FROM enterprises"),
            ("record", "SELECT DISTINCT record_id FROM records"),
        ):
            await connection.execute(
                f"INSERT INTO dirty_marks (purpose, kind, id) SELECT 'index', '{kind}', id FROM ({ids}) AS every (id) "
                + dirty.MARK_AGAIN
            )


class World:
    """Writes rows as the register's own modules would, one call a thing."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def enterprise(
        self, name: str, *, uscc: str | None = None, region: str = "130200", former: tuple[str, ...] = (), **more: Any
    ) -> int:
        """An invented enterprise; returns its id."""
        id_ = await _add(
            self.connection, "enterprises", "id", reference=f"test:{name}", invented=True, created_at=instant(KNOWN)
        )
        await _add(
            self.connection,
            "enterprise_versions",
            "version_id",
            enterprise_id=id_,
            uscc=uscc,
            name=name,
            name_normal=names.normalise(name).text,
            name_pinyin=names.pinyin(name),
            region=region,
            known_from=instant(KNOWN),
            **more,
        )
        for other, kind in [(name, "registered"), *((one, "former") for one in former)]:
            await _add(
                self.connection,
                "enterprise_names",
                "version_id",
                enterprise_id=id_,
                name=other,
                name_normal=names.normalise(other).text,
                kind=kind,
                known_from=instant(KNOWN),
            )
        return id_

    async def project(
        self,
        name: str,
        owner: int,
        *,
        code: str | None = None,
        sector: str = "steel",
        region: str = "130200",
        stage: str = "operating",
        invented: bool = True,
        **more: Any,
    ) -> int:
        """A project of an enterprise; returns its id."""
        id_ = await _add(
            self.connection, "projects", "id", reference=f"test:{name}", invented=invented, created_at=instant(KNOWN)
        )
        await self.describe(id_, name, owner, code=code, sector=sector, region=region, stage=stage, **more)
        if code:
            await _add(
                self.connection,
                "project_codes",
                "version_id",
                project_id=id_,
                code=code,
                known_from=instant(KNOWN),
            )
        return id_

    async def describe(self, project: int, name: str, owner: int, *, known: str = KNOWN, **fields: Any) -> None:
        """A description of a project, known from an instant; an earlier one is closed then."""
        await self.connection.execute(
            "UPDATE project_versions SET known_to = $2 WHERE project_id = $1 AND known_to = 'infinity'",
            project,
            instant(known),
        )
        await _add(
            self.connection,
            "project_versions",
            "version_id",
            project_id=project,
            name=name,
            name_normal=names.normalise(name).text,
            name_pinyin=names.pinyin(name),
            owner_id=owner,
            known_from=instant(known),
            **fields,
        )

    async def record(
        self, act: str, party: str, *, project: int | None = None, enterprise: int | None = None, **fields: Any
    ) -> int:
        """A synthetic record of the feed of its act, linked where a project is given; returns its record_id."""
        feed = {"loan": "finance", "eia_approval": "environment"}.get(act, "land")
        await self.connection.execute("INSERT INTO feeds (id) VALUES ($1) ON CONFLICT DO NOTHING", feed)
        record_id = int(await self.connection.fetchval("SELECT nextval('record_sequence')"))
        await self.restate(record_id, act, party, feed=feed, **fields)
        if project is not None:
            await _add(
                self.connection,
                "links",
                "version_id",
                record_id=record_id,
                project_id=project,
                enterprise_id=enterprise,
                outcome="linked",
                method="project_code",
                known_from=instant(fields.get("known", KNOWN)),
            )
        return record_id

    async def restate(
        self,
        record_id: int,
        act: str,
        party: str,
        *,
        feed: str,
        known: str = KNOWN,
        region: str = "130200",
        **fields: Any,
    ) -> None:
        """A version of a record; the earlier one is closed."""
        await self.withdraw(record_id, known=known)
        await _add(
            self.connection,
            "records",
            "version_id",
            record_id=record_id,
            feed=feed,
            content_hash=b"",
            raw=b"",
            source_key=f"K{record_id}",
            act=act,
            acted_on=instant("2014-02-01T00:00:00Z").date(),
            party_name=party,
            party_name_normal=names.normalise(party).text,
            region=region,
            synthetic=True,
            known_from=instant(known),
            **fields,
        )

    async def withdraw(self, record_id: int, *, known: str) -> None:
        """Close what is known of a record."""
        await self.connection.execute(
            "UPDATE records SET known_to = $2 WHERE record_id = $1 AND known_to = 'infinity'", record_id, instant(known)
        )

    async def finding(
        self, lane: str, rule: str, *, project: int | None = None, enterprise: int | None = None, record: int = 0
    ) -> None:
        """An open finding on a record."""
        await _add(
            self.connection,
            "findings",
            "version_id",
            fingerprint=f"{rule}:{record}",
            rule=rule,
            rule_version="1",
            basis="text",
            severity="violation",
            lane=lane,
            subject_kind="record",
            subject_id=record,
            project_id=project,
            enterprise_id=enterprise,
            reasons=["no-approval"],
            evidence_hash="",
            first_seen=instant(KNOWN),
            known_from=instant(KNOWN),
        )


def instant(text: str) -> Any:
    """An aware instant."""
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00"))
