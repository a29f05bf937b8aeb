"""What the rules say of intended acts and what was seen of their projects, in one statement for any number of acts."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import ARRAY, BigInteger, Date, Text, bindparam, text
from sqlalchemy.sql.elements import TextClause
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.compiling import compile_flags
from registry.database import json_text
from registry.fact_texts import Use, fact
from registry.law_in_force import Catalogue

INTENDED: Final = Use("intended")

_STATEMENT: Final = """
WITH flags AS MATERIALIZED (
{flags}
),
flagged AS (
    SELECT f.record_id, jsonb_agg(jsonb_build_object(
               'rule', f.rule, 'reasons', f.reasons, 'parameters', f.parameters
           ) ORDER BY f.rule) AS seen
    FROM flags AS f GROUP BY f.record_id
),
approvals_seen AS (
    SELECT a.project_id, bool_or(a.synthetic) AS synthetic, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', a.reference, 'kind', a.kind, 'number', NULLIF(a.number, ''),
               'authority', NULLIF(a.authority, ''), 'issued', a.issued, 'expires', a.expires, 'revoked', a.revoked
           )) ORDER BY a.issued, a.reference) AS seen
    FROM (
{approvals}
    ) AS a GROUP BY a.project_id
),
formalities_seen AS (
    SELECT f.project_id, bool_or(r.synthetic) AS synthetic, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'record', r.feed || ':' || r.source_key, 'act', f.act, 'acted_on', f.acted_on,
               'expires', r.expires, 'revoked', r.revoked
           )) ORDER BY f.acted_on, r.feed, r.source_key) AS seen
    FROM (
{formalities}
    ) AS f JOIN records AS r ON r.version_id = f.version_id GROUP BY f.project_id
),
findings_seen AS (
    SELECT f.project_id, jsonb_agg(jsonb_build_object(
               'fingerprint', f.fingerprint, 'rule', f.rule, 'lane', f.lane, 'basis', f.basis
           ) ORDER BY f.lane, f.rule, f.fingerprint) AS seen
    FROM findings_shown AS f
    WHERE f.project_id = ANY(CAST(:projects AS bigint[])) AND f.known_to = 'infinity' AND f.state = 'open'
    GROUP BY f.project_id
)
SELECT i.record_id, CAST(flagged.seen AS text) AS flags, CAST(approvals_seen.seen AS text) AS approvals,
       CAST(formalities_seen.seen AS text) AS formalities, CAST(findings_seen.seen AS text) AS findings,
       CAST(CASE WHEN v.project_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'reference', p.reference, 'id', v.project_id, 'code', v.code, 'name', v.name, 'sector', v.sector,
           'nature', v.nature, 'region', v.region, 'owner', o.name, 'owner_uscc', o.uscc
       )) END AS text) AS project,
       v.owner_id,
       COALESCE(p.invented, FALSE) OR COALESCE(approvals_seen.synthetic, FALSE)
           OR COALESCE(formalities_seen.synthetic, FALSE) AS synthetic
FROM jsonb_to_recordset(CAST(:intended AS jsonb)) AS i (record_id bigint, project_id bigint)
LEFT JOIN flagged ON flagged.record_id = i.record_id
LEFT JOIN projects AS p ON p.id = i.project_id
LEFT JOIN project_versions AS v ON v.project_id = i.project_id AND v.known_to = 'infinity'
    AND COALESCE(v.held_from <= :as_of, TRUE) AND COALESCE(v.held_to >= :as_of, TRUE)
LEFT JOIN enterprise_versions AS o ON o.enterprise_id = v.owner_id AND o.known_to = 'infinity'
    AND COALESCE(o.held_from <= :as_of, TRUE) AND COALESCE(o.held_to >= :as_of, TRUE)
LEFT JOIN approvals_seen ON approvals_seen.project_id = i.project_id
LEFT JOIN formalities_seen ON formalities_seen.project_id = i.project_id
LEFT JOIN findings_seen ON findings_seen.project_id = i.project_id
ORDER BY i.record_id
"""


_JSON: Final = ("flags", "approvals", "formalities", "findings", "project")


@lru_cache(maxsize=4)
def statement(catalogue: Catalogue) -> TextClause:
    """All rules over `:intended`, with the evidence of `:projects` as of `:as_of`; `:enterprises` are the parties."""
    # Made once: looking through twenty thousand characters for names costs as much as an answer.
    return text(
        _STATEMENT.format(
            flags=compile_flags(INTENDED, catalogue.rules, catalogue.law),
            approvals=fact("known_approvals", INTENDED),
            formalities=fact("known_formalities", INTENDED),
        )
    ).bindparams(
        bindparam("intended", type_=Text),
        bindparam("projects", type_=ARRAY(BigInteger)),
        bindparam("as_of", type_=Date),
    )


async def ask(
    session: AsyncSession,
    as_of: date,
    intended: Sequence[dict[str, Any]],
    projects: Sequence[int],
    catalogue: Catalogue,
) -> list[dict[str, Any]]:
    """One row for each intended act, in order of its record_id: flags, project, approvals, formalities, findings."""
    connection = await session.connection()
    # The plan for any values reads by index, as it should for a few acts; planning anew costs ten times the answer.
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    parties = {one["enterprise_id"] for one in intended if one["enterprise_id"] is not None}
    values = {
        "intended": json_text(intended),
        "projects": list(projects),
        "enterprises": sorted(parties),
        "as_of": as_of,
    }
    found = (await connection.execute(statement(catalogue), values)).mappings()
    return [
        {name: orjson.loads(value) if name in _JSON and value else value for name, value in row.items()}
        for row in found
    ]
