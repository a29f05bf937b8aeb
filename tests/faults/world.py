"""A small invented register and its agencies' records; every fourth project was never approved."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import now
from registry.database import transaction
from registry.enterprise_writing import register_enterprises
from registry.import_items import EnterpriseItem, ProjectItem
from registry.project_writing import register_projects
from registry.restating import Telling

PROJECTS = 40
_STARTS = datetime(2024, 3, 1, tzinfo=UTC)
ACTS = {
    "land": ("land_grant",),
    "environment": ("eia_approval", "discharge_permit"),
    "finance": ("loan",),
}


def code(number: int) -> str:
    """The code of an invented project."""
    return f"2017-130200-31-03-{number:06d}"


async def register(engine: AsyncEngine, projects: int = PROJECTS) -> None:
    """Register the invented enterprises and projects."""
    telling = Telling(at=now(), reason="a fault's invented world", actor="tests.faults")
    async with transaction(engine) as session:
        await register_enterprises(
            session,
            [
                EnterpriseItem.model_validate(
                    {
                        "reference": f"fault:E{number}",
                        "name": f"唐山示例{number}号钢铁有限公司",
                        "region": "130200",
                        "invented": True,
                    }
                )
                for number in range(projects)
            ],
            telling,
        )
        await register_projects(
            session, [ProjectItem.model_validate(_project(one)) for one in range(projects)], telling
        )


def _project(number: int) -> dict[str, Any]:
    approval = {"reference": f"fault:P{number}/A", "kind": "filing", "issued": "2017-01-10", "synthetic": True}
    return {
        "reference": f"fault:P{number}",
        "code": code(number),
        "name": f"唐山示例{number}号钢铁有限公司年产{number + 10}万吨炼钢项目",
        "owner": f"fault:E{number}",
        "sector": "steel",
        "region": "130200",
        "nature": "new_build",
        "stage": "operating",
        "approvals": [] if number % 4 == 0 else [approval],
        "invented": True,
    }


def records(feed: str, count: int, seed: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Canonical records of an agency; those with odd numbers bear a code, the others a name alone."""
    chance = random.Random(f"{seed}/{feed}/{first}")
    return [_record(feed, first + position, chance) for position in range(count)]


def _record(feed: str, position: int, chance: random.Random) -> dict[str, Any]:
    number = chance.randrange(PROJECTS)
    made: dict[str, Any] = {
        "source_key": f"{feed}-{position:06d}",
        "source_modified": (_STARTS + timedelta(minutes=7 * position)).isoformat(),
        "act": chance.choice(ACTS[feed]),
        "acted_on": (date(2018, 1, 1) + timedelta(days=chance.randrange(1500))).isoformat(),
        "party_name": f"唐山示例{number}号钢铁有限公司",
        "region": "130200",
        "synthetic": True,
        "kind": "construction" if feed == "finance" else None,
    }
    if position % 2:
        made["project_code"] = code(number)
    return {name: value for name, value in made.items() if value is not None}


def newer(record: dict[str, Any], hours: int, chance: random.Random) -> dict[str, Any]:
    """A later version of a record: another authority, a later stamp."""
    stamp = datetime.fromisoformat(record["source_modified"]) + timedelta(hours=hours)
    return {**record, "source_modified": stamp.isoformat(), "authority": f"示例机关{chance.randrange(1000)}"}
