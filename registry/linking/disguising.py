"""What was done to hide the names of a batch's records: kept with their links, linked or not."""

import re
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import json_text
from registry.names import DISGUISES, SUSPECT, disguises, normalise

_TOLD: Final = "SELECT record_id, coalesce(party_told, ''), coalesce(project_told, '') FROM linking"
_REGISTERED: Final = """
SELECT DISTINCT ON (d.record_id) d.record_id, coalesce(e.name, ''), coalesce(p.name, '')
FROM decisions AS d
LEFT JOIN enterprise_versions AS e ON e.enterprise_id = d.enterprise_id AND e.known_to = 'infinity'
LEFT JOIN project_versions AS p ON p.project_id = d.project_id AND p.known_to = 'infinity'
WHERE d.record_id = ANY (:records)
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
    strange: dict[int, tuple[str, str]] = {}
    for record_id, party, title in await connection.execute(text(_TOLD)):
        if _strange().search(party) or _strange().search(title):
            strange[record_id] = (party, title)
    if not strange:
        return
    registered = text(_REGISTERED).bindparams(bindparam("records", list(strange), ARRAY(BigInteger)))
    told: dict[int, str] = {}
    for record_id, owner, project in await connection.execute(registered):
        party, title = strange[record_id]
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
def _strange() -> re.Pattern[str]:
    """What a typist does not type: neither an ideograph, a plain letter or digit, nor common punctuation.

    Names without any need no look.
    """
    suspects = re.escape("".join(sorted(one for one in map(chr, SUSPECT) if "\u4e00" <= one <= "\u9fff")))
    usual = r"0-9A-Za-z\u4e00-\u9fff \t\r\n\u3000（）()〔〕【】《》“”、，。：；·.,:;/%#＃+*-"
    return re.compile(rf"[^{usual}]|[{suspects}]|[二三四五六七八九十第][-—―‐‑‒–ー]")
