"""Figures of what became of flags: how long until somebody acknowledged, decided and closed, by agency and province.

The public reads them through views that leave out credit and tell no number below three; officials ask the tables
themselves, with their own rights.
"""

from decimal import Decimal
from typing import Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import rows

# A smaller number would tell of single enterprises.
SMALLEST_TOLD: Final = 3
_YEAR: Final = "CAST(extract(year FROM {0} AT TIME ZONE 'Asia/Shanghai') AS integer)"
_MEDIAN: Final = (
    "CAST(round(CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {0}) / {1}) AS numeric), 1) "
    "AS numeric)"
)


def _statement(least: int, alerts: str, cases: str) -> str:
    """The figures of every agency, province and year; a number below `least` is NULL."""

    def told(number: str, of: str | None = None) -> str:
        return f"CASE WHEN {of or number} >= {least} THEN {number} END"

    return f"""
WITH of_alerts AS (
    SELECT coalesce(o.agency_id, '') AS agency, coalesce(left(a.region, 2), '00') || '0000' AS region,
        {_YEAR.format("a.opened_at")} AS year, count(*) AS alerts, count(a.acknowledged_at) AS acknowledged,
        {_MEDIAN.format("a.acknowledged_at - a.opened_at", 3600)} AS hours_to_acknowledge,
        bool_or(a.synthetic) AS synthetic
    FROM alerts AS a LEFT JOIN organisations AS o ON o.id = a.organisation_id WHERE {alerts} GROUP BY 1, 2, 3
),
of_cases AS (
    SELECT coalesce(o.agency_id, '') AS agency, left(c.region, 2) || '0000' AS region,
        {_YEAR.format("c.opened_at")} AS year, count(*) AS cases, count(d.at) AS decided, count(c.closed_at) AS closed,
        {_MEDIAN.format("d.at - c.opened_at", 86400)} AS days_to_decide,
        {_MEDIAN.format("c.closed_at - c.opened_at", 86400)} AS days_to_close, bool_or(c.synthetic) AS synthetic
    FROM cases AS c LEFT JOIN organisations AS o ON o.id = c.desk_id
    LEFT JOIN LATERAL (SELECT min(at) AS at FROM case_decisions WHERE case_id = c.id) AS d ON true
    WHERE c.state <> 'merged' AND {cases} GROUP BY 1, 2, 3
)
SELECT agency, region, year, {told("alerts")} AS alerts, {told("acknowledged")} AS acknowledged,
    {told("hours_to_acknowledge", "acknowledged")} AS hours_to_acknowledge, {told("cases")} AS cases,
    {told("decided")} AS decided, {told("days_to_decide", "decided")} AS days_to_decide, {told("closed")} AS closed,
    {told("days_to_close", "closed")} AS days_to_close,
    coalesce(of_alerts.synthetic, false) OR coalesce(of_cases.synthetic, false) AS synthetic
FROM of_alerts FULL JOIN of_cases USING (agency, region, year)
"""


_PUBLIC: Final = _statement(SMALLEST_TOLD, "a.lane <> 'credit'", "NOT c.credit")
# How the work on each rule stands, over the nation; of credit too no more than that there is some.
_RULES: Final = """
SELECT a.rule, count(*) FILTER (WHERE a.state <> 'closed') AS alerts_open,
    count(*) FILTER (WHERE a.state = 'open' AND (a.escalations > 0 OR a.escalate_at < now())) AS alerts_late,
    count(*) FILTER (WHERE a.state = 'closed') AS alerts_closed,
    count(DISTINCT c.id) FILTER (WHERE c.state = 'open') AS cases_open,
    count(DISTINCT c.id) FILTER (WHERE c.state = 'open'
        AND c.due < CAST(now() AT TIME ZONE 'Asia/Shanghai' AS date)) AS cases_late,
    count(DISTINCT c.id) FILTER (WHERE c.state = 'closed') AS cases_closed, bool_or(a.synthetic) AS synthetic
FROM alerts AS a LEFT JOIN cases AS c ON c.id = a.case_id GROUP BY a.rule
"""
_YEARS: Final = """
SELECT CAST(year AS text) AS subject, year, CAST(year AS bigint) AS version_id, NULL::bigint AS project_id,
    NULL::bigint AS enterprise_id, NULL::text AS sector, '000000' AS region, NULL::date AS known_published,
    bool_or(synthetic) AS synthetic
FROM public_figures GROUP BY year
"""
_LINES: Final = """
SELECT CAST(f.year AS text) AS subject, coalesce(a.name_zh, '') AS agency, f.region, f.alerts, f.acknowledged,
    f.hours_to_acknowledge, f.cases, f.days_to_decide, f.closed, f.days_to_close, f.agency || f.region AS place
FROM public_figures AS f LEFT JOIN agencies AS a ON a.id = f.agency
"""
# name -> (whose rights it reads with, its statement); the order matters
FIGURES: Final[dict[str, tuple[str, str]]] = {
    "public_figures": ("owner", _PUBLIC),
    "rule_work": ("owner", _RULES),
    "publishable_years": ("viewer", _YEARS),
    "publishable_figures": ("viewer", _LINES),
}


class Figures(BaseModel):
    """One agency in one province and year; None is a number too small to be told."""

    agency: str
    agency_zh: str
    agency_en: str
    region: str
    year: int
    alerts: int | None
    acknowledged: int | None
    hours_to_acknowledge: Decimal | None
    cases: int | None
    decided: int | None
    days_to_decide: Decimal | None
    closed: int | None
    days_to_close: Decimal | None
    synthetic: bool


async def figures(session: AsyncSession, year: int | None, *, internal: bool) -> list[Figures]:
    """The figures of a year, or of all; with `internal` all that the viewer's rights show, small numbers too."""
    source = f"({_statement(1, 'true', 'true')})" if internal else "public_figures"
    where = "" if year is None else "WHERE f.year = :year"
    found = await rows(
        session,
        "SELECT f.*, coalesce(a.name_zh, '') AS agency_zh, coalesce(a.name_en, '') AS agency_en "
        f"FROM {source} AS f LEFT JOIN agencies AS a ON a.id = f.agency {where} "
        "ORDER BY f.year DESC, f.agency, f.region",
        year=year,
    )
    return [Figures(**row) for row in found]
