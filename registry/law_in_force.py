"""The law in force: what is shipped, and the dated values that two people activated; as known now or at an instant."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.history import Instant
from registry.law.reading import Law, law, with_more_values
from registry.reading_yaml import Document
from registry.rules.reading import Rule, rules, rules_by


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All rules by one state of the law. Compiled statements are kept for each, so it is made once for each state."""

    law: Law
    rules: tuple[Rule, ...]

    @cached_property
    def digest(self) -> str:
        """What tells one state from another: the versions of all rules, in which their text and values are."""
        return blake2b(json_text([one.version for one in self.rules]).encode(), digest_size=8).hexdigest()

    def rule(self, name: str) -> Rule | None:
        """A rule by its id, or None."""
        return next((one for one in self.rules if one.id == name), None)


# The window is asked as a pair of instants, so that the plan is one for now and then.
_VALUES: Final = """
SELECT parameter, region, since, content FROM parameter_values
WHERE CASE WHEN CAST(:known_at AS timestamptz) IS NULL THEN known_to = 'infinity'
           ELSE known_from <= :known_at AND :known_at < known_to END
ORDER BY parameter, region, since
"""


async def catalogue_in_force(session: AsyncSession, known_at: datetime | None = None) -> Catalogue:
    """The rules by the law in force, or by what had been activated at an instant."""
    statement = text(_VALUES).bindparams(bindparam("known_at", type_=Instant))
    found = (await (await session.connection()).execute(statement, {"known_at": known_at})).all()
    if not found:
        return shipped()
    return _catalogue(
        json_text([[parameter, region, since.isoformat(), content] for parameter, region, since, content in found])
    )


@lru_cache(maxsize=1)
def shipped() -> Catalogue:
    """The rules by the shipped law alone."""
    return Catalogue(law(), rules())


@lru_cache(maxsize=8)
def _catalogue(activated: str) -> Catalogue:
    content: dict[str, Any] = {}
    for parameter, region, since, value in orjson.loads(activated):
        place = content.setdefault(parameter, {"values": {}, "regions": {}})
        place = place["regions"].setdefault(region, {}) if region else place["values"]
        place[since] = value
    by_law = with_more_values(law(), Document("activated values", content, {}))
    return Catalogue(by_law, rules_by(by_law))
