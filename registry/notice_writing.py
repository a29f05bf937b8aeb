"""Registering sources and public notices: shown as reported, replaced by reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.import_items import NoticeItem, SourceItem
from registry.import_problems import Problem
from registry.notices import Notice
from registry.notices import NoticeItem as NoticeUnit
from registry.outcomes import Outcome, refuse, repeated
from registry.writing_steps import check_sources

_NOTICE = [column for column in Notice.model_fields if column != "id"]
_UNIT = [column for column in NoticeUnit.model_fields if column not in ("id", "notice_id")]


async def register_sources(session: AsyncSession, items: Sequence[SourceItem]) -> int:
    """Register sources by id, or bring them up to date; returns how many were new or changed."""
    columns = list(SourceItem.model_fields)
    connection = await session.connection()
    done = await connection.execute(
        text(
            f"INSERT INTO sources ({', '.join(columns)}) SELECT {', '.join(columns)} "
            "FROM jsonb_populate_recordset(NULL::sources, CAST(:rows AS jsonb)) ON CONFLICT (id) DO UPDATE SET "
            + ", ".join(f"{column} = EXCLUDED.{column}" for column in columns[1:])
            + f" WHERE ({_listed('sources', columns)}) IS DISTINCT FROM ({_listed('EXCLUDED', columns)})"
        ),
        {"rows": json_text([item.model_dump() for item in items])},
    )
    return done.rowcount


async def register_notices(
    session: AsyncSession,
    items: Sequence[NoticeItem],
    *,
    rows: Sequence[int] | None = None,
    valid_only: bool = False,
) -> Outcome:
    """Register notices by reference with the units they name; a notice that reads otherwise now replaces the old one.

    A unit is tied to an enterprise only by the enterprise's reference, never by its name. Raises ItemsRejected, with
    nothing written, unless `valid_only`.
    """
    rows = list(rows) if rows is not None else list(range(1, len(items) + 1))
    named = {unit.enterprise_reference for item in items for unit in item.items if unit.enterprise_reference}
    enterprises = await _numbers(session, "enterprises", named)
    problems = repeated(rows, [item.reference for item in items], "reference")
    problems += await check_sources(session, rows, [item.source for item in items])
    problems += _unknown(rows, items, enterprises)
    left_out = refuse(problems, valid_only=valid_only)
    chosen = [item for row, item in zip(rows, items, strict=True) if row not in left_out]
    references = {item.reference for item in chosen}
    existed = set(await _numbers(session, "notices", references))
    said = [_notice(item) for item in chosen]
    connection = await session.connection()
    changed = await connection.execute(
        text(
            f"INSERT INTO notices ({', '.join(_NOTICE)}) SELECT {', '.join(_NOTICE)} "
            "FROM jsonb_populate_recordset(NULL::notices, CAST(:rows AS jsonb)) ON CONFLICT (reference) DO UPDATE SET "
            + ", ".join(f"{column} = EXCLUDED.{column}" for column in _NOTICE)
            + f" WHERE ({_listed('notices', _NOTICE)}) IS DISTINCT FROM ({_listed('EXCLUDED', _NOTICE)}) "
            "RETURNING reference"
        ),
        {"rows": json_text(said)},
    )
    touched: dict[str, set[str]] = {reference: {"notice"} for reference in changed.scalars()}
    ids = await _numbers(session, "notices", references)
    units = {ids[item.reference]: [_unit(unit.model_dump(), enterprises) for unit in item.items] for item in chosen}
    numbers = {one: reference for reference, one in ids.items()}
    for one in await _replace_units(session, units):
        touched.setdefault(numbers[one], set()).add("items")
    outcome = Outcome(ids=ids, rejected=problems)
    outcome.sort_in([item.reference for item in chosen], existed, touched)
    return outcome


def _listed(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{table}.{column}" for column in columns)


def _notice(item: NoticeItem) -> dict[str, Any]:
    row = item.model_dump(exclude={"items", "date", "source"})
    return {**row, "on_date": item.date, "source_id": item.source}


def _unit(unit: dict[str, Any], enterprises: Mapping[str, int]) -> dict[str, Any]:
    reference = unit.pop("enterprise_reference")
    return {**unit, "enterprise_id": enterprises.get(reference) if reference else None}


def _unknown(rows: Sequence[int], items: Sequence[NoticeItem], known: Mapping[str, int]) -> list[Problem]:
    return [
        Problem(
            row,
            f"items.{position}.enterprise_reference",
            unit.enterprise_reference,
            f"没有登记单位“{unit.enterprise_reference}”。",
            f"No enterprise “{unit.enterprise_reference}” is registered.",
            "请先登记该单位，或留空。",
            "Register it first, or leave it out.",
        )
        for row, item in zip(rows, items, strict=True)
        for position, unit in enumerate(item.items)
        if unit.enterprise_reference and unit.enterprise_reference not in known
    ]


async def _numbers(session: AsyncSession, table: str, references: set[str]) -> dict[str, int]:
    connection = await session.connection()
    found = await connection.execute(
        text(f"SELECT reference, id FROM {table} WHERE reference = ANY(:references)").bindparams(
            bindparam("references", sorted(references), ARRAY(Text))
        )
    )
    return {row[0]: row[1] for row in found}


async def _replace_units(session: AsyncSession, units: Mapping[int, Sequence[Mapping[str, Any]]]) -> set[int]:
    """Write the units of notices whose units read otherwise now; returns those notices."""
    listed = ", ".join(_UNIT)
    units_in_order = f"jsonb_agg(to_jsonb(ROW({listed})) ORDER BY id)"
    connection = await session.connection()
    flat = [
        {**unit, "notice_id": one, "id": place} for one, several in units.items() for place, unit in enumerate(several)
    ]
    said = "jsonb_populate_recordset(NULL::notice_items, CAST(:rows AS jsonb))"
    differ = await connection.execute(
        text(
            f"WITH held AS (SELECT notice_id, {units_in_order} AS units FROM notice_items "
            "WHERE notice_id = ANY(:notices) GROUP BY 1), "
            f"said AS (SELECT notice_id, {units_in_order} AS units FROM {said} GROUP BY 1) "
            "SELECT coalesce(held.notice_id, said.notice_id) FROM held FULL JOIN said USING (notice_id) "
            "WHERE held.units IS DISTINCT FROM said.units"
        ).bindparams(bindparam("notices", list(units), ARRAY(BigInteger)), rows=json_text(flat))
    )
    changed = set(differ.scalars())
    binds = bindparam("changed", sorted(changed), ARRAY(BigInteger))
    await connection.execute(text("DELETE FROM notice_items WHERE notice_id = ANY(:changed)").bindparams(binds))
    await connection.execute(
        text(
            f"INSERT INTO notice_items (notice_id, {listed}) SELECT notice_id, {listed} FROM {said} "
            "WHERE notice_id = ANY(:changed) ORDER BY notice_id, id"
        ).bindparams(binds, rows=json_text(flat))
    )
    return changed
