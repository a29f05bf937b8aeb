"""Whether the telling works: what has no desk, what cannot be sent, who is not reached; for operators."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.alert_list import count_desks
from registry.reading import Row, rows

# What is due and not sent after this long says that no worker sends.
LATE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Health:
    """Counts, and what a person has to look at."""

    open: int = 0
    unrouted: int = 0
    desks: list[Row] = field(default_factory=list)
    # Desks with open alerts and nobody who may acknowledge them.
    unmanned: list[str] = field(default_factory=list)
    failing_webhooks: list[Row] = field(default_factory=list)
    bouncing: int = 0
    late: int = 0
    given_up: int = 0  # in the last week

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    @property
    def problems(self) -> bool:
        """Whether somebody has to look."""
        return bool(
            self.unrouted or self.unmanned or self.failing_webhooks or self.bouncing or self.late or self.given_up
        )


async def alert_health(session: AsyncSession, now: datetime) -> Health:
    """As the owner sees it: every desk."""
    desks = await count_desks(session)
    unmanned = await rows(session, _UNMANNED, today=now.date())
    webhooks = await rows(
        session,
        "SELECT id, organisation_id, name, state, problem, failed_at FROM webhooks "
        "WHERE state = 'disabled' OR state = 'active' AND failures > 0 ORDER BY id",
    )
    counts = await rows(
        session,
        "SELECT (SELECT count(*) FROM notification_wishes WHERE bouncing_since IS NOT NULL) AS bouncing, "
        "(SELECT count(*) FROM deliveries AS d LEFT JOIN webhooks AS h ON h.id = d.webhook_id WHERE "
        "d.state = 'pending' AND d.due_at < :late AND coalesce(h.state, '') <> 'disabled') AS late, "
        "(SELECT count(*) FROM deliveries WHERE state = 'given_up' AND settled_at > :week) AS given_up",
        late=now - LATE,
        week=now - timedelta(days=7),
    )
    return Health(
        open=sum(desk["open"] for desk in desks),
        unrouted=sum(
            desk["open"] + desk["acknowledged"] + desk["in_case"] for desk in desks if desk["organisation_id"] is None
        ),
        desks=desks,
        unmanned=[row["id"] for row in unmanned],
        failing_webhooks=webhooks,
        **counts[0],
    )


_UNMANNED: Final = """
SELECT DISTINCT a.organisation_id AS id FROM alerts AS a
WHERE a.state = 'open' AND a.organisation_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM accounts AS p JOIN role_grants AS g ON g.account_id = p.id
    WHERE p.organisation_id = a.organisation_id AND p.state <> 'ended' AND g.revoked_at IS NULL
      AND g.role IN ('reviewer', 'supervisor') AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today
)
ORDER BY 1
"""
