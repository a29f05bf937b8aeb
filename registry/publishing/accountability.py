"""The 29 rows of the division of work: who is responsible, what watches over it, and how the work stands."""

from datetime import date

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.flags import read_succession
from registry.law.duties import duties
from registry.reading import rows


class Responsible(BaseModel):
    """An agency as the document names it, and who holds its duty today."""

    agency: str
    name_zh: str
    name_en: str
    today: str
    today_zh: str
    today_en: str


class Task(BaseModel):
    """One row of the division of work and how the work on it stands; rows without a rule have no figures."""

    id: str
    number: int
    task_zh: str
    task_en: str
    responsible_zh: str
    responsible: list[Responsible]
    participants: list[Responsible]
    rules: list[str]
    findings_open: int
    alerts_open: int
    alerts_late: int
    alerts_closed: int
    cases_open: int
    cases_late: int
    cases_closed: int
    synthetic: bool


_FINDINGS = """
SELECT f.rule, count(*) AS number, bool_or(f.synthetic) AS synthetic FROM findings_shown AS f
LEFT JOIN dismissed_findings AS x ON x.fingerprint = f.fingerprint AND x.known_to = 'infinity'
WHERE f.known_to = 'infinity' AND f.state = 'open' AND x.fingerprint IS NULL GROUP BY f.rule
"""
_WORK = ("alerts_open", "alerts_late", "alerts_closed", "cases_open", "cases_late", "cases_closed")


async def tasks(session: AsyncSession, today: date) -> list[Task]:
    """The rows of the annex in their order."""
    agencies = {row["id"]: row for row in await rows(session, "SELECT id, name_zh, name_en FROM agencies")}
    succession = await read_succession(session)
    findings = {row["rule"]: row for row in await rows(session, _FINDINGS)}
    work = {row["rule"]: row for row in await rows(session, "SELECT * FROM rule_work")}

    def named(agency: str) -> Responsible:
        now = succession.holder(agency, today)
        said, holds = agencies.get(agency, {}), agencies.get(now, {})
        return Responsible(
            agency=agency,
            name_zh=said.get("name_zh", agency),
            name_en=said.get("name_en", agency),
            today=now,
            today_zh=holds.get("name_zh", now),
            today_en=holds.get("name_en", now),
        )

    return [
        Task(
            id=one.id,
            number=one.number,
            task_zh=one.task_zh,
            task_en=one.task_en,
            responsible_zh=one.responsible_zh,
            responsible=[named(agency) for agency in one.responsible],
            participants=[named(agency) for agency in one.participants],
            rules=list(one.rules),
            findings_open=sum(findings[rule]["number"] for rule in one.rules if rule in findings),
            **{name: sum(work[rule][name] for rule in one.rules if rule in work) for name in _WORK},
            synthetic=any(
                found[rule]["synthetic"] for found in (findings, work) for rule in one.rules if rule in found
            ),
        )
        for one in duties()
        if one.number is not None
    ]
