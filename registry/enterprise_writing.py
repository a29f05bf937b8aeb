"""Registering and correcting enterprises: idempotent, set-based, with history."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.describing import changed_fields, with_description
from registry.enterprises import EnterpriseName, EnterpriseOwner, EnterpriseVersion, Production
from registry.identifiers import uscc
from registry.import_items import EnterpriseItem, OwnerItem
from registry.names import normalise, pinyin
from registry.outcomes import Outcome, identifier_warning, refuse, repeated
from registry.restating import Telling, content_columns, current_rows, restate
from registry.writing_steps import (
    check_sources,
    give_identities,
    lock,
    mark_projects,
    region_warnings,
    seen_version,
    telling_of,
    validate_change,
)

Row = dict[str, Any]


async def register_enterprises(
    session: AsyncSession,
    items: Sequence[EnterpriseItem],
    telling: Telling,
    *,
    rows: Sequence[int] | None = None,
    valid_only: bool = False,
) -> Outcome:
    """Register enterprises by reference: new ones are added, changed ones corrected, equal ones left alone.

    A list that an item leaves out (names, owners, production) stays as it is. A name once registered stays among the
    names, so that what was written under it is still found. Raises ItemsRejected, with nothing written, unless
    `valid_only`; `rows` number the items in problems (default: from 1).
    """
    rows = list(rows) if rows is not None else list(range(1, len(items) + 1))
    problems = repeated(rows, [item.reference for item in items], "reference")
    problems += await check_sources(session, rows, [item.source for item in items])
    left_out = refuse(problems, valid_only=valid_only)
    outcome = Outcome(rejected=problems)
    accepted = [(row, item) for row, item in zip(rows, items, strict=True) if row not in left_out]
    for row, item in accepted:
        if item.uscc:
            outcome.warnings += [
                identifier_warning(row, "uscc", item.uscc, one) for one in uscc.parse(item.uscc).warnings
            ]
    chosen = [item for _, item in accepted]
    outcome.warnings += await region_warnings(session, [row for row, _ in accepted], [item.region for item in chosen])
    invented = {item.reference: item.invented for item in chosen}
    outcome.ids, existed = await give_identities(session, "enterprises", invented, telling)
    touched = await _write(session, chosen, outcome.ids, telling)
    outcome.sort_in([item.reference for item in chosen], existed, touched)
    await _mark(session, [outcome.ids[one] for one in (*outcome.new, *outcome.changed)])
    return outcome


async def correct_enterprise(
    session: AsyncSession,
    enterprise_id: int,
    changes: Mapping[str, Any],
    telling: Telling,
    *,
    held_from: date | None = None,
    expected_version: int | None = None,
) -> list[str]:
    """Change fields of one enterprise with a reason; returns the parts that changed (none: all was so already).

    With `held_from` the change is one of the world from that day; without, the latest description was wrong.
    Raises BadInput for a missing reason or a bad value, NotFound, Conflict when somebody else changed it meanwhile.
    """
    telling_of(telling)
    await lock(session, "enterprises", enterprise_id, "enterprise")
    current = await current_rows(session, EnterpriseVersion, "enterprise_id", [enterprise_id])
    latest = max(current, key=lambda row: row["held_from"] or date.min)
    seen_version(latest, expected_version)
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT reference, invented FROM enterprises WHERE id = :id"), {"id": enterprise_id}
    )
    reference, invented = found.one()
    fields = ("uscc", "name", "name_en", "region", "address", "synthetic_fields")
    code = latest["uscc"] or latest["organisation_code"] or latest["licence_number"]
    base = {**{field: latest[field] for field in fields}, "uscc": code, "reference": reference, "invented": invented}
    item = validate_change(EnterpriseItem, base, {**changes, "held_from": held_from})
    touched = await _write(session, [item], {reference: enterprise_id}, telling)
    if touched.get(reference):
        await _mark(session, [enterprise_id])
    return sorted(touched.get(reference, ()))


async def _write(
    session: AsyncSession, items: Sequence[EnterpriseItem], ids: Mapping[str, int], telling: Telling
) -> dict[str, set[str]]:
    """Restate every part of the items; returns what changed by reference."""
    by_id = {ids[item.reference]: item for item in items}
    held = await _held_versions(session, by_id)
    versions = {
        one: with_description(held[one], {**_version(item), "enterprise_id": one}, item.held_from)
        for one, item in by_id.items()
    }
    touched = {item.reference: changed_fields(held[one], versions[one]) for one, item in by_id.items()}
    await restate(session, EnterpriseVersion, "enterprise_id", list(by_id), _flat(versions), telling)
    for part, table, rows in (
        ("names", EnterpriseName, await _names(session, by_id)),
        ("owners", EnterpriseOwner, await _owners(session, by_id)),
        ("production", Production, _productions(by_id)),
    ):
        for one in await restate(session, table, "enterprise_id", list(rows), _flat(rows), telling):
            touched[by_id[one].reference].add(part)
    return touched


def _flat(rows: Mapping[int, Sequence[Row]]) -> list[Row]:
    return [{**row, "enterprise_id": one} for one, several in rows.items() for row in several]


async def _held_versions(session: AsyncSession, by_id: Mapping[int, EnterpriseItem]) -> dict[int, list[Row]]:
    keep = [*content_columns(EnterpriseVersion), "source_id"]
    held: dict[int, list[Row]] = {one: [] for one in by_id}
    for row in await current_rows(session, EnterpriseVersion, "enterprise_id", list(by_id)):
        held[row["enterprise_id"]].append({column: row[column] for column in keep})
    return {one: sorted(rows, key=lambda row: row["held_from"] or date.min) for one, rows in held.items()}


def _version(item: EnterpriseItem) -> Row:
    code = uscc.parse(item.uscc) if item.uscc else None
    return {
        "uscc": code.value if code and code.kind == "uscc" else None,
        "organisation_code": code.organisation_code if code else None,
        "licence_number": code.value if code and code.kind == "licence_number" else None,
        "name": item.name,
        "name_en": item.name_en,
        "name_normal": normalise(item.name).text,
        "name_pinyin": pinyin(item.name),
        "region": item.region,
        "address": item.address,
        "synthetic_fields": sorted(item.synthetic_fields),
        "source_id": item.source,
    }


async def _names(session: AsyncSession, by_id: Mapping[int, EnterpriseItem]) -> dict[int, list[Row]]:
    """All names: those said, the registered one, and every name that was registered before."""
    held: dict[int, list[Row]] = {one: [] for one in by_id}
    for row in await current_rows(session, EnterpriseName, "enterprise_id", list(by_id)):
        held[row["enterprise_id"]].append(row)
    rows = {}
    for one, item in by_id.items():
        said = [_name(name.name, name.kind, name.held_from, name.held_to, item.source) for name in item.names or ()]
        registered = next((row for row in said if row["name"] == item.name and row["kind"] == "registered"), None)
        if registered is None:
            said.append(_name(item.name, "registered", item.held_from, None, item.source))
        spoken = {row["name"] for row in said}
        for row in held[one]:
            if row["name"] in spoken:
                if row["name"] == item.name and row["kind"] == "registered" and registered is None:
                    # The days it bore the name are known already: nothing was said of them now.
                    said[-1] |= {"held_from": row["held_from"], "held_to": row["held_to"]}
                continue
            if row["kind"] in ("registered", "former"):
                until = row["held_to"]
                if row["kind"] == "registered" and until is None and item.held_from is not None:
                    until = date.fromordinal(item.held_from.toordinal() - 1)
                said.append(_name(row["name"], "former", row["held_from"], until, row["source_id"]))
            elif item.names is None:
                said.append(_name(row["name"], row["kind"], row["held_from"], row["held_to"], row["source_id"]))
        rows[one] = said
    return rows


def _name(name: str, kind: str, held_from: date | None, held_to: date | None, source: str | None) -> Row:
    return {
        "name": name,
        "name_normal": normalise(name).text,
        "kind": kind,
        "held_from": held_from,
        "held_to": held_to,
        "source_id": source,
    }


async def _owners(session: AsyncSession, by_id: Mapping[int, EnterpriseItem]) -> dict[int, list[Row]]:
    """Owners of the items that say any; an owner whose reference is registered is tied to it."""
    said = {one: item.owners for one, item in by_id.items() if item.owners is not None}
    references = sorted({owner.reference for owners in said.values() for owner in owners if owner.reference})
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT reference, id FROM enterprises WHERE reference = ANY(:references)").bindparams(
            bindparam("references", references, ARRAY(Text))
        )
    )
    known: dict[str, int] = {row[0]: row[1] for row in found}
    return {
        one: [_owner(owner, known.get(owner.reference or ""), by_id[one].source) for owner in owners]
        for one, owners in said.items()
    }


def _owner(owner: OwnerItem, owner_id: int | None, source: str | None) -> Row:
    return {
        "owner_id": owner_id,
        "owner_name": owner.name,
        "share": owner.share,
        "kind": owner.kind,
        "source_id": source,
    }


def _productions(by_id: Mapping[int, EnterpriseItem]) -> dict[int, list[Row]]:
    return {
        one: [
            {**made.model_dump(), "site_reference": "", "site_name": "", "source_id": item.source}
            for made in item.production
        ]
        for one, item in by_id.items()
        if item.production is not None
    }


async def _mark(session: AsyncSession, ids: Sequence[int]) -> None:
    """Their names link records, and their projects are judged and shown with them."""
    for purpose in dirty.PURPOSES:
        await dirty.mark(session, purpose, "enterprise", ids)
    connection = await session.connection()
    owned = await connection.execute(
        text(
            "SELECT DISTINCT project_id FROM project_versions WHERE owner_id = ANY(:ids) AND known_to = 'infinity'"
        ).bindparams(bindparam("ids", list(ids), ARRAY(BigInteger)))
    )
    await mark_projects(session, list(owned.scalars()))
