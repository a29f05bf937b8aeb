"""How many findings of each rule are open now: the live counts of the rules page."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

_OPEN: Final = (
    "SELECT rule, count(*) FROM findings WHERE known_to = 'infinity' AND state = 'open' GROUP BY rule ORDER BY rule"
)


async def open_findings_by_rule(session: AsyncSession) -> dict[str, int]:
    """Open findings by rule; a rule without any is left out."""
    return {str(rule): int(count) for rule, count in await (await session.connection()).execute(text(_OPEN))}
