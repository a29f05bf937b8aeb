"""A small register for tests of the gate: a filed steel project, one whose filing expired, one of no such industry."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import today
from registry.database import transaction
from registry.gate.checks import Ask, ask_one
from registry.gate.questions import Question
from registry.gate.signing import SigningKey, ensure_signing_key
from registry.viewers import GATEKEEPER, Viewer, become
from tests.registry.worlds import OWNER, keep, project, record, scenario

GOOD = "2015-130200-31-03-000002"
LAPSED = "2015-130200-31-03-000003"
HOSPITAL = "2015-130200-84-03-000004"
UNKNOWN = "2015-130200-31-03-000009"
LAND = Viewer(
    kind="key", actor="land-key", organisation_id="land-bureau", organisation_name="示例市自然资源局",
    permissions=frozenset({"internal", "gate"}),
)  # fmt: skip
BANK = Viewer(
    kind="key", actor="bank-key", organisation_id="bank", organisation_name="示例银行",
    permissions=frozenset({"credit_own", "gate"}),
)  # fmt: skip


def noon() -> datetime:
    """Noon of today in China."""
    return datetime.combine(today(), datetime.min.time(), UTC) + timedelta(hours=4)


async def gate_world(engine: AsyncEngine, *records: dict[str, Any], **more: Any) -> None:
    """Keep the register."""
    filed = {"id": "A2", "kind": "filing", "issued": "2015-03-01"}
    papers = [
        record(f"P{number}", act, "2015-04-01", project_code=GOOD, party=OWNER)
        for number, act in enumerate(("land_grant", "eia_approval", "energy_assessment"))
    ]
    await keep(
        engine,
        scenario(
            [*papers, *records],
            project(),
            project(code=GOOD, name="年产200万吨轧钢示例项目", approvals=[filed]),
            project(
                code=LAPSED,
                name="年产50万吨炼铁示例项目",
                approvals=[{"id": "A3", "kind": "filing", "issued": "2015-01-01", "expires": "2016-12-31"}],
            ),
            project(code=HOSPITAL, name="示例医院", sector="other", approvals=[{**filed, "id": "A4"}]),
            **more,
        ),
    )


async def signing_key(engine: AsyncEngine) -> SigningKey:
    """The key of this register."""
    async with transaction(engine) as session:
        await become(session, GATEKEEPER)
        return await ensure_signing_key(session)


async def ask(
    engine: AsyncEngine, key: SigningKey, viewer: Viewer = LAND, *, idempotency_key: str | None = None, **question: Any
) -> dict[str, Any]:
    """Ask one question; the receipt's document."""
    async with transaction(engine) as session:
        await become(session, GATEKEEPER)
        asked = Ask(Question.model_validate(question), viewer, idempotency_key)
        given = await ask_one(session, asked, noon(), key)
    document: dict[str, Any] = orjson.loads(given.receipt)
    return document
