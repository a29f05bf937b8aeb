"""Opening a case: from alerts, from a suspected project, from a tip or by hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.auditing import audit
from registry.cases.deadlines import due_after
from registry.cases.stages import FIRST, stages
from registry.cases.trail import LONGEST_TITLE, require_person, said, tell
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.reading import Row, first, rows
from registry.viewers import NATION, Viewer

# So many alerts or findings in one case at most.
MOST_SUBJECTS: Final = 500


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a person opens: about alerts, episodes of findings, a project or a suspected one, or about none of them."""

    path: str
    title: str
    reason: str
    alerts: tuple[int, ...] = ()
    findings: tuple[str, ...] = ()
    project_id: int | None = None
    suspected_id: int | None = None
    # The word under which a tip is kept; nothing about who sent it.
    tip: str = ""
    region: str = ""
    # Another office of the own agency; empty: one's own desk.
    desk_id: str = ""


async def open_case(session: AsyncSession, viewer: Viewer, new: NewCase, now: datetime) -> str:
    """Open a case and return its number.

    Raises NotAllowed without the right, BadInput, NotFound, and Conflict where an alert or finding is in a case
    already.
    """
    require_person(viewer)
    title, reason = said(new.title, "title", longest=LONGEST_TITLE), said(new.reason, "reason")
    if new.path not in stages().paths:
        raise BadInput("There is no such path.", where="path")
    if len(new.alerts) + len(new.findings) > MOST_SUBJECTS:
        raise BadInput(f"A case takes {MOST_SUBJECTS} alerts and findings at most.", where="alerts")
    if new.tip and len(new.tip) > 100:
        raise BadInput("It may have 100 characters at most.", where="tip")
    desk = await _desk(session, viewer, new.desk_id)
    alerts = await _alerts(session, viewer, new.alerts)
    findings = await _findings(session, new.findings)
    about = await _about(session, new, [*alerts, *findings])
    subjects = [*alerts, *findings]
    region = about["region"] or new.region or viewer.region
    known = "SELECT 1 AS one FROM regions WHERE code = :code LIMIT 1"
    if region != NATION and not await first(session, known, code=region):
        raise BadInput("There is no such region.", where="region")
    number = await next_number(session, desk["region"], now)
    today = civil_day(now)
    origin = "alert" if alerts else "suspected" if new.suspected_id else "tip" if new.tip else "hand"
    values: dict[str, Any] = {
        "number": number,
        "path": new.path,
        "title": title,
        "desk": desk["id"],
        "region": region,
        "organisations": [viewer.organisation_id] if desk["id"] != viewer.organisation_id else [],
        "origin": origin,
        "origin_reference": new.tip.strip() or None,
        "project": about["project_id"],
        "suspected": about["suspected_id"],
        "enterprise": about["enterprise_id"],
        "credit": bool(subjects) and all(one["lane"] == "credit" for one in subjects),
        "synthetic": about["synthetic"],
        "stage": FIRST,
        "due": due_after(today, stages().stages[FIRST].allowed_on(today)),
        "owner": viewer.account_id if desk["id"] == viewer.organisation_id else None,
        "now": now,
        "by": viewer.actor,
    }
    row = await first(session, _OPEN, **values)
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    await add_subjects(session, viewer, row["id"], alerts, findings, now)
    content = {"path": new.path, "origin": origin, "title": title, "reason": reason}
    await tell(session, viewer, row["id"], "opened", content, now)
    after = {**content, "alerts": list(new.alerts), "findings": list(new.findings), "project": about["project_id"]}
    await audit(session, viewer, "case.open", "case", number, why=reason, after=after)
    await announce(
        session,
        Happened(
            "case.opened",
            f"case.opened:{number}",
            "case",
            number,
            f"/cases/{number}",
            f"案件 {number}",
            f"Case {number}",
            organisation_id=desk["id"],
            region=region,
            lane="credit" if values["credit"] else "",
        ),
        now,
    )
    return number


_OPEN: Final = """
INSERT INTO cases (number, path, title, desk_id, region, organisations, origin, origin_reference, project_id,
    suspected_id, enterprise_id, credit, synthetic, stage, stage_since, due, owner_id, opened_at, opened_by)
VALUES (:number, :path, :title, :desk, :region, CAST(:organisations AS text[]), :origin, :origin_reference, :project,
    :suspected, :enterprise, :credit, :synthetic, :stage, :now, :due, :owner, :now, :by)
RETURNING id
"""


async def next_number(session: AsyncSession, region: str, now: datetime) -> str:
    """The next number of a region in the year: year, region, serial."""
    year = civil_day(now).year
    row = await first(
        session,
        "INSERT INTO case_serials (year, region, last) VALUES (:year, :region, 1) "
        "ON CONFLICT (year, region) DO UPDATE SET last = case_serials.last + 1 RETURNING last",
        year=year,
        region=region,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    return f"{year}-{region}-{row['last']:04d}"


async def add_subjects(
    session: AsyncSession, viewer: Viewer, case_id: int, alerts: list[Row], findings: list[Row], now: datetime
) -> None:
    """Put alerts and findings that were read into a case; an alert says from then on in which."""
    connection = await session.connection()
    told = [
        *(("alert", str(one["id"]), 0, one["lane"] == "credit") for one in alerts),
        *(("finding", one["fingerprint"], one["episode"], one["lane"] == "credit") for one in findings),
    ]
    for kind, reference, episode, credit in told:
        found = await connection.execute(
            text(
                "INSERT INTO case_subjects (case_id, kind, reference, episode, credit, added_at, added_by) "
                "VALUES (:case, :kind, :reference, :episode, :credit, :now, :by) ON CONFLICT DO NOTHING RETURNING id"
            ),
            {
                "case": case_id,
                "kind": kind,
                "reference": reference,
                "episode": episode,
                "credit": credit,
                "now": now,
                "by": viewer.actor,
            },
        )
        if found.scalar() is None:
            raise Conflict("This alert or finding is in a case already.", where=reference)
    ids = [one["id"] for one in alerts]
    await connection.execute(
        text(
            "UPDATE alerts SET state = 'in_case', case_id = :case, changed_at = :now, version = version + 1, "
            "acknowledged_at = coalesce(acknowledged_at, :now), "
            "acknowledged_by = CASE WHEN acknowledged_at IS NULL THEN :by ELSE acknowledged_by END "
            "WHERE id = ANY(:ids)"
        ).bindparams(bindparam("ids", ids, ARRAY(BigInteger))),
        {"case": case_id, "now": now, "by": viewer.actor},
    )
    await connection.execute(
        text(
            "INSERT INTO alert_events (alert_id, at, kind, actor, organisation_id) "
            "SELECT id, :now, 'in_case', :by, :organisation FROM unnest(:ids) AS taken(id)"
        ).bindparams(bindparam("ids", ids, ARRAY(BigInteger))),
        {"now": now, "by": viewer.actor, "organisation": viewer.organisation_id},
    )


async def _desk(session: AsyncSession, viewer: Viewer, desk_id: str) -> Row:
    desk = await first(
        session,
        "SELECT o.id, o.region, o.agency_id, mine.agency_id AS my_agency FROM organisations AS o "
        "JOIN organisations AS mine ON mine.id = :mine WHERE o.id = :id AND o.kind = 'agency' AND o.ended_at IS NULL",
        id=desk_id or viewer.organisation_id,
        mine=viewer.organisation_id,
    )
    if desk is None:
        raise BadInput("There is no such desk.", where="desk")
    if desk["id"] != viewer.organisation_id and (desk["agency_id"] is None or desk["agency_id"] != desk["my_agency"]):
        raise NotAllowed("A case is opened for one's own desk, or for an office of one's own agency.", where="desk")
    return desk


async def _alerts(session: AsyncSession, viewer: Viewer, ids: tuple[int, ...]) -> list[Row]:
    """The alerts, locked; a policy lets only their desk lock them."""
    wanted = sorted(set(ids))
    statement = text(
        "SELECT id, lane, state, project_id, suspected_id, enterprise_id, region, synthetic FROM alerts "
        "WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"
    ).bindparams(bindparam("ids", wanted, ARRAY(BigInteger)))
    found = [dict(row) for row in (await (await session.connection()).execute(statement)).mappings()]
    if len(found) != len(wanted):
        raise NotFound("There is no such alert of this desk.", where="alerts")
    for one in found:
        if one["state"] in ("in_case", "closed"):
            raise Conflict("This alert is in a case already, or closed.", where=str(one["id"]))
    return found


async def _findings(session: AsyncSession, fingerprints: tuple[str, ...]) -> list[Row]:
    wanted = sorted(set(fingerprints))
    statement = text(
        "SELECT fingerprint, episode, lane, state, project_id, NULL::bigint AS suspected_id, enterprise_id, region, "
        "synthetic FROM findings_shown WHERE fingerprint = ANY(:names) AND known_to = 'infinity' ORDER BY fingerprint"
    ).bindparams(bindparam("names", wanted, ARRAY(Text)))
    found = [dict(row) for row in (await (await session.connection()).execute(statement)).mappings()]
    if len(found) != len(wanted):
        raise NotFound("There is no such finding.", where="findings")
    return found


async def _about(session: AsyncSession, new: NewCase, subjects: list[Row]) -> Row:
    """What the case is about: what was named, else what its alerts and findings are of, where they agree."""

    def agreed(name: str) -> Any:
        values = {one[name] for one in subjects}
        return values.pop() if len(values) == 1 else None

    project, suspected = new.project_id or agreed("project_id"), new.suspected_id or agreed("suspected_id")
    about = {
        "project_id": project,
        "suspected_id": suspected,
        "enterprise_id": agreed("enterprise_id"),
        "region": agreed("region"),
        "synthetic": any(one["synthetic"] for one in subjects),
    }
    if suspected is not None:
        found = await first(
            session,
            "SELECT project_id, enterprise_id, region, synthetic FROM suspected_versions "
            "WHERE suspected_id = :id AND known_to = 'infinity'",
            id=suspected,
        )
        if found is None:
            raise NotFound("There is no such suspected project.", where="suspected_id")
        about = _fill(about, found)
        project = about["project_id"]
    if project is not None:
        found = await first(
            session,
            "SELECT v.owner_id AS enterprise_id, v.region, p.invented AS synthetic FROM project_versions AS v "
            "JOIN projects AS p ON p.id = v.project_id "
            "WHERE v.project_id = :id AND v.known_to = 'infinity' ORDER BY v.held_from DESC NULLS LAST LIMIT 1",
            id=project,
        )
        if found is None:
            raise NotFound("There is no such project.", where="project_id")
        about = _fill(about, found)
    return about


def _fill(about: Row, found: Row) -> Row:
    filled = {name: about[name] if about[name] is not None else found.get(name) for name in about}
    return filled | {"synthetic": bool(about["synthetic"] or found["synthetic"])}


async def offices(session: AsyncSession) -> list[Row]:
    """Every agency's office: what tasks can be given to."""
    return await rows(
        session,
        "SELECT id, name_zh, name_en, region, agency_id FROM organisations WHERE kind = 'agency' AND ended_at IS NULL "
        "ORDER BY region, id",
    )
