"""What was done to hide the names of a batch's records: kept with their links, linked or not."""

import re
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import json_text
from registry.names import DISGUISES, SUSPECT, disguises, normalise

# Names with a character that a typist does not type; the others need no look.
_STRANGE: Final = """
SELECT DISTINCT ON (d.record_id) d.record_id, coalesce(r.party_name, ''), coalesce(r.project_name, ''),
       coalesce(e.name, ''), coalesce(p.name, '')
FROM decisions AS d
JOIN records AS r ON r.record_id = d.record_id AND r.known_to = 'infinity'
LEFT JOIN enterprise_versions AS e ON e.enterprise_id = d.enterprise_id AND e.known_to = 'infinity'
LEFT JOIN project_versions AS p ON p.project_id = d.project_id AND p.known_to = 'infinity'
WHERE r.party_name ~ :strange OR r.project_name ~ :strange
ORDER BY d.record_id, d.project_id
"""
_KEEP: Final = """
UPDATE decisions AS d SET evidence = d.evidence || jsonb_build_object('disguise', CAST(s.told AS jsonb))
FROM unnest(CAST(:records AS bigint[]), CAST(:told AS text[])) AS s (record_id, told)
WHERE d.record_id = s.record_id
"""


async def keep_disguises(connection: AsyncConnection) -> None:
    """Add to the evidence of `decisions` how names were hidden: {"disguise": {"party_name": ["invisible"]}}.

    What the registered name has too is no disguise.
    """
    found = await connection.execute(text(_STRANGE), {"strange": _strange()})
    told: dict[int, str] = {}
    for record_id, party, title, owner, project in found:
        signals: dict[str, Any] = {"party_name": _hidden(party, owner), "project_name": _hidden(title, project)}
        kept = {name: each for name, each in signals.items() if each}
        if kept:
            told[record_id] = json_text(kept)
    if told:
        await connection.execute(text(_KEEP), {"records": list(told), "told": list(told.values())})


def _hidden(given: str, registered: str) -> list[str]:
    if not given:
        return []
    return sorted(disguises(normalise(given), normalise(registered)) & DISGUISES)


@lru_cache(maxsize=1)
def _strange() -> str:
    """Matches in PostgreSQL what is neither an ideograph, a plain letter or digit, nor common punctuation."""
    suspects = re.escape("".join(sorted(one for one in map(chr, SUSPECT) if "\u4e00" <= one <= "\u9fff")))
    usual = r"0-9A-Za-z\u4e00-\u9fff\s\u3000（）()〔〕【】《》“”、，。：；·.,:;/%#＃+*-"
    return rf"[^{usual}]|[{suspects}]|[二三四五六七八九十第][-—―‐‑‒–ー]"
