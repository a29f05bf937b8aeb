"""What people do with alerts: acknowledge, take back, snooze, wake, silence a project under a rule, lift a silence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.clocks import acknowledged_by
from registry.auditing import audit
from registry.database import json_text
from registry.errors import BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from registry.reading import Row, first
from registry.viewers import Viewer

Act = Literal["acknowledge", "reopen", "snooze", "wake", "silence", "lift"]
ACTS: Final[tuple[Act, ...]] = ("acknowledge", "reopen", "snooze", "wake", "silence", "lift")
LONGEST_SNOOZE: Final = timedelta(days=31)
LONGEST_SILENCE: Final = timedelta(days=366)
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Acting:
    """What to do with one alert; `until` and `reason` where it sleeps; `seen` is the version that the person saw."""

    act: Act
    reason: str = ""
    until: datetime | None = None
    seen: int | None = None


async def act_on(session: AsyncSession, viewer: Viewer, alert_id: int, acting: Acting, now: datetime) -> int:
    """Do it; returns the alert's new version.

    Raises NotFound for an alert the viewer does not see, NotAllowed for another desk's, ChangedMeanwhile where somebody
    was faster, BadInput without reason or end, Conflict where the alert's state does not allow it.
    """
    viewer.require("decide")
    if acting.act not in ACTS:
        raise BadInput("There is no such act.", where="act")
    reason = acting.reason.strip()
    seen = await first(session, "SELECT id FROM alerts WHERE id = :id", id=alert_id)
    if seen is None:
        raise NotFound("There is no such alert.")
    # A policy lets nobody lock what is another desk's.
    found = await first(session, "SELECT * FROM alerts WHERE id = :id FOR UPDATE", id=alert_id)
    if found is None:
        raise NotAllowed("This alert belongs to another desk.")
    if acting.seen is not None and acting.seen != found["version"]:
        raise ChangedMeanwhile("Somebody else changed this alert meanwhile.", remedy="Read it again.")
    _check(acting, reason, found, now)
    changes = await _changes(session, viewer, acting, reason, found, now)
    sets = ", ".join(f"{name} = :{name}" for name in changes)
    await (await session.connection()).execute(
        text(f"UPDATE alerts SET {sets}, changed_at = :now, version = version + 1 WHERE id = :id"),
        {**changes, "now": now, "id": alert_id},
    )
    await note(session, viewer, alert_id, acting.act, reason, {"until": acting.until} if acting.until else {}, now)
    before = {name: found[name] for name in changes}
    await audit(
        session, viewer, f"alert.{acting.act}", "alert", str(alert_id), why=reason, before=before, after=changes
    )
    return int(found["version"]) + 1


async def note(
    session: AsyncSession, viewer: Viewer, alert_id: int, kind: str, reason: str, content: dict[str, Any], at: datetime
) -> None:
    """Add to an alert's trail."""
    await (await session.connection()).execute(
        text(
            "INSERT INTO alert_events (alert_id, at, kind, actor, organisation_id, reason, content) VALUES "
            "(:id, :at, :kind, :actor, :organisation, :reason, CAST(CAST(:content AS text) AS jsonb))"
        ),
        {
            "id": alert_id,
            "at": at,
            "kind": kind,
            "actor": viewer.actor,
            "organisation": viewer.organisation_id,
            "reason": reason,
            "content": json_text(content),
        },
    )


def _check(acting: Acting, reason: str, found: Row, now: datetime) -> None:
    if found["state"] == "closed":
        raise Conflict("This alert is closed.")
    if acting.act in ("snooze", "silence"):
        longest = LONGEST_SNOOZE if acting.act == "snooze" else LONGEST_SILENCE
        if not reason:
            raise BadInput("Say why nobody is to be told.", where="reason")
        if acting.until is None:
            raise BadInput("Say until when.", where="until")
        if not now < acting.until <= now + longest:
            raise BadInput(
                "The end lies in the past or too far away.", where="until",
                remedy="A snooze lasts a month at most, a silence a year.",
            )  # fmt: skip
    if len(reason) > LONGEST_REASON:
        raise BadInput("The reason is too long.", where="reason")
    if acting.act == "acknowledge" and found["state"] != "open":
        raise Conflict("Somebody acknowledged this alert already.")
    if acting.act == "reopen" and found["state"] != "acknowledged":
        raise Conflict("This alert is not acknowledged.")
    if acting.act == "wake" and found["snoozed_until"] is None:
        raise Conflict("This alert is not snoozed.")
    if acting.act == "lift" and found["silence_id"] is None:
        raise Conflict("This alert is not silenced.")
    if acting.act == "silence" and found["silence_id"] is not None:
        raise Conflict("This alert is silenced already.")


async def _changes(
    session: AsyncSession, viewer: Viewer, acting: Acting, reason: str, found: Row, now: datetime
) -> dict[str, Any]:
    # Whoever is to be asked again gets the whole time again.
    again = acknowledged_by(now)[found["severity"]] if found["state"] == "open" else None
    match acting.act:
        case "acknowledge":
            return {
                "state": "acknowledged",
                "acknowledged_at": now,
                "acknowledged_by": viewer.actor,
                "owner_id": viewer.account_id,
                "escalate_at": None,
            }
        case "reopen":
            until = acknowledged_by(now)[found["severity"]]
            return {"state": "open", "acknowledged_at": None, "acknowledged_by": "", "owner_id": None,
                    "escalate_at": until}  # fmt: skip
        case "snooze":
            return {"snoozed_until": acting.until, "snooze_reason": reason, "escalate_at": None}
        case "wake":
            return {"snoozed_until": None, "snooze_reason": "", "escalate_at": again}
        case "silence":
            silence = await first(
                session,
                "INSERT INTO alert_silences (topic, rule, organisation_id, reason, began_at, ends_at, made_by) VALUES "
                "(:topic, :rule, :organisation, :reason, :now, :until, :actor) RETURNING id",
                topic=found["topic"],
                rule=found["rule"],
                organisation=viewer.organisation_id,
                reason=reason,
                now=now,
                until=acting.until,
                actor=viewer.actor,
            )
            assert silence is not None  # noqa: S101  # RETURNING gives the one row
            return {"silence_id": silence["id"], "escalate_at": None}
        case _:
            await (await session.connection()).execute(
                text("UPDATE alert_silences SET lifted_at = :now, lifted_by = :actor WHERE id = :id"),
                {"now": now, "actor": viewer.actor, "id": found["silence_id"]},
            )
            return {"silence_id": None, "escalate_at": again}
