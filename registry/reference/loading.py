"""Loading the reference data into its tables: set-based, in the caller's transaction, nothing when nothing changed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.identifiers.industry import SUCCESSIONS
from registry.reference.regions import FOLDER, above, level, periods, read, successions, within

FACT: Final = "reference_digest"
# Any number will do, as long as nobody else takes it: two upgrades at once load one after the other.
_LOCK: Final = 2260_4754

Rows = Sequence[tuple[Any, ...]]


async def load_reference(connection: AsyncConnection) -> bool:
    """Load regions, industries, agencies and their sources; returns whether anything had changed.

    Takes part in the connection's transaction. The tables always equal the files: rows the files lack go.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    digest = _digest()
    stored = await connection.scalar(text("SELECT value FROM register_facts WHERE name = :name"), {"name": FACT})
    if stored == digest:
        return False
    await connection.execute(
        text(
            "INSERT INTO sources (id, title, citation, licence, url, synthetic, unverified) "
            "VALUES (:id, :title, :citation, :licence, :url, false, false) ON CONFLICT (id) DO UPDATE SET "
            "title = EXCLUDED.title, citation = EXCLUDED.citation, licence = EXCLUDED.licence, url = EXCLUDED.url"
        ),
        read("sources.csv"),
    )
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None  # noqa: S101  # a connection in a transaction has a driver
    await _load_regions(driver)
    await _load_industries(driver)
    await _load_agencies(driver)
    await connection.execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES (:name, CAST(:value AS jsonb)) "
            "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value"
        ),
        {"name": FACT, "value": json.dumps(digest)},
    )
    return True


def _digest() -> str:
    """One hash of everything the tables are made from, the code that derives them included."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted([*FOLDER.glob("*.csv"), *FOLDER.glob("*.py")]):
        digest.update(file.name.encode() + file.read_bytes())
    digest.update(repr(SUCCESSIONS).encode())
    return digest.hexdigest()


async def _replace(driver: asyncpg.Connection, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    # COPY does not go into tables with policies, unless a superuser copies.
    await driver.execute(f"CREATE TEMPORARY TABLE given (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
    await driver.copy_records_to_table("given", records=rows, columns=columns)
    await driver.execute(f"DELETE FROM {table}")
    names = ", ".join(columns)
    await driver.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM given")
    await driver.execute("DROP TABLE given")


async def _load_regions(driver: asyncpg.Connection) -> None:
    all_periods = periods()
    all_successions = successions(all_periods)
    centres = {
        row["code"]: (float(row["longitude"]), float(row["latitude"]))
        for row in read("region_centres_2020.csv")
        if row["longitude"]
    }
    parents = {period.code for period in all_periods}
    await _replace(
        driver,
        "regions",
        ("code", "held_from", "held_to", "name", "level", "parent_code", "longitude", "latitude", "source_id"),
        [
            (
                one.code,
                one.held_from,
                one.held_to,
                one.name,
                level(one.code),
                next((upper for upper in above(one.code) if upper in parents), None),
                *centres.get(one.code, (None, None)),
                one.source,
            )
            for one in all_periods
        ],
    )
    await _replace(
        driver,
        "region_successions",
        ("old_code", "new_code", "on_date", "basis"),
        [(one.old, one.new, one.on_date, one.basis) for one in all_successions],
    )
    await _replace(driver, "region_within", ("outer_code", "inner_code"), sorted(within(all_periods, all_successions)))


async def _load_industries(driver: asyncpg.Connection) -> None:
    sectors = {(row["edition"], row["code"]): row for row in read("industry_sectors.csv")}
    rows = []
    for code, edition, name, rank, parent in (*_industries_2017(), *_industries_2011()):
        told = sectors.get((edition, code), {})
        rows.append(
            (
                code,
                edition,
                name,
                told.get("name_en", ""),
                rank,
                parent,
                told.get("sector") or None,
                told.get("decides", "yes") == "yes",
            )
        )
    columns = ("code", "edition", "name", "name_en", "level", "parent_code", "sector", "decides_sector")
    await _replace(driver, "industries", columns, rows)
    await _replace(
        driver,
        "industry_successions",
        ("old_code", "old_edition", "new_code", "new_edition"),
        [(old, "2011", new, "2017") for old, new in SUCCESSIONS],
    )


def _industries_2017() -> Iterable[tuple[str, str, str, int, str | None]]:
    for row in read("industries_2017.csv"):
        chain = [row[part] for part in ("section", "division", "group", "class") if row[part]]
        yield chain[-1], "2017", row["name"], int(row["level"]), chain[-2] if len(chain) > 1 else None


def _industries_2011() -> Iterable[tuple[str, str, str, int, str | None]]:
    for row in read("industries_2011.csv"):
        yield row["code"], "2011", row["name"], int(row["level"]), row["parent"]


async def _load_agencies(driver: asyncpg.Connection) -> None:
    def day(text_: str) -> date | None:
        return date.fromisoformat(text_) if text_ else None

    await driver.execute("DELETE FROM agency_successions")
    agencies = [
        (row["id"], row["name_zh"], row["name_en"], row["lane"] or None, day(row["held_from"]), day(row["held_to"]))
        for row in read("agencies.csv")
    ]
    # Organisations name agencies, so a row is brought up to date in its place.
    await driver.executemany(
        "INSERT INTO agencies (id, name_zh, name_en, lane, held_from, held_to) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (id) DO UPDATE SET name_zh = EXCLUDED.name_zh, name_en = EXCLUDED.name_en, lane = EXCLUDED.lane, "
        "held_from = EXCLUDED.held_from, held_to = EXCLUDED.held_to",
        agencies,
    )
    await driver.execute("DELETE FROM agencies WHERE id <> ALL($1::text[])", [row[0] for row in agencies])
    await _replace(
        driver,
        "agency_successions",
        ("predecessor_id", "successor_id", "on_date"),
        [(row["predecessor_id"], row["successor_id"], day(row["on_date"])) for row in read("agency_successions.csv")],
    )
