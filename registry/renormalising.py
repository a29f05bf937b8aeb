"""Stored normal forms after a change of the normaliser: computed again when the database is migrated, else nothing."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.dirty import MARK_AGAIN
from registry.names import NORMALISER_VERSION, normal_texts

FACT: Final = "normaliser_version"
# Table, the name as given, its normal form, whose it is.
STORED: Final = (
    ("enterprise_versions", "name", "name_normal", "enterprise"),
    ("enterprise_names", "name", "name_normal", "enterprise"),
    ("project_versions", "name", "name_normal", "project"),
    ("records", "party_name", "party_name_normal", "record"),
    ("records", "project_name", "project_name_normal", "record"),
    ("records", "authority", "lender_normal", "record"),
    ("suspected_versions", "party_name", "party_name_normal", "suspected"),
)
# What then awaits which: links rest on normal forms, and so does what search finds; suspects follow their records.
_PURPOSES: Final = {name: ["link", "index"] for name in ("enterprise", "project", "record")} | {"suspected": ["index"]}
# History is not rewritten; a normal form is no history, but a reading of it.
_TRIGGER: Final = "refuse_rewrite"
_AT_ONCE: Final = 20_000


async def renormalise(connection: AsyncConnection) -> int:
    """Compute every stored normal form again after the normaliser changed; how many rows have another one now.

    What they belong to is marked as if it had been renamed: it is linked and indexed anew, and findings follow.
    """
    fact = {"name": FACT}
    stored = await connection.scalar(text("SELECT value FROM register_facts WHERE name = :name"), fact)
    if stored == NORMALISER_VERSION:
        return 0
    changed = 0
    for table, name, normal, kind in STORED:
        changed += await _column(connection, table, name, normal, kind)
    await connection.execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES (:name, to_jsonb(CAST(:value AS int))) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        fact | {"value": NORMALISER_VERSION},
    )
    return changed


async def _column(connection: AsyncConnection, table: str, name: str, normal: str, kind: str) -> int:
    """One column, by distinct names: a million records bear far fewer."""
    wrong: dict[tuple[str, str], str] = {}
    # Not by a cursor: the table cannot be altered below while one is open on it.
    await connection.execute(
        text(
            f"CREATE TEMPORARY TABLE names_held AS SELECT row_number() OVER () AS id, {name} AS given, "
            f"{normal} AS held FROM {table} WHERE {name} <> '' AND {normal} <> '' GROUP BY {name}, {normal}"
        )
    )
    last = await connection.scalar(text("SELECT count(*) FROM names_held"))
    for begin in range(0, last, _AT_ONCE):
        page = text("SELECT given, held FROM names_held WHERE id > :begin AND id <= :end")
        rows = (await connection.execute(page, {"begin": begin, "end": begin + _AT_ONCE})).all()
        told = normal_texts(given for given, _held in rows)
        wrong |= {(given, held): told[given] for given, held in rows if told[given] != held}
    await connection.execute(text("DROP TABLE names_held"))
    if not wrong:
        return 0
    await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {_TRIGGER}"))
    changed = await connection.scalar(
        text(
            f"WITH renamed AS (UPDATE {table} AS t SET {normal} = n.told FROM unnest(CAST(:given AS text[]), "
            "CAST(:held AS text[]), CAST(:told AS text[])) AS n (given, held, told) "
            f"WHERE t.{name} = n.given AND t.{normal} = n.held RETURNING t.{kind}_id AS id), "
            "marked AS (INSERT INTO dirty_marks (purpose, kind, id) SELECT purpose, :kind, id "
            "FROM (SELECT DISTINCT id FROM renamed) AS each, unnest(CAST(:purposes AS text[])) AS purposes (purpose) "
            f"ORDER BY purpose DESC, id {MARK_AGAIN}) SELECT count(*) FROM renamed"
        ),
        {
            "given": [one for one, _ in wrong], "held": [one for _, one in wrong], "told": list(wrong.values()),
            "kind": kind, "purposes": _PURPOSES[kind],
        },
    )  # fmt: skip
    await connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {_TRIGGER}"))
    return int(changed or 0)
