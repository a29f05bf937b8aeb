"""The state of a register without its serial numbers and clock times: equal states have equal digests."""

import asyncpg

# What the register holds now of every record, with what is decided about it.
_STATE = """
SELECT md5(coalesce(string_agg(md5(row(
           r.feed, r.source_key, r.content_hash, r.raw, r.act, r.acted_on, r.source_modified, r.party_name_normal,
           r.project_name_normal, r.details, l.outcome, l.method, p.reference, e.reference
       )::text), '' ORDER BY r.feed, r.source_key, p.reference), ''))
FROM records AS r
LEFT JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
LEFT JOIN projects AS p ON p.id = l.project_id
LEFT JOIN enterprises AS e ON e.id = l.enterprise_id
WHERE r.known_to = 'infinity'
"""
_FLAGS = """
SELECT md5(coalesce(string_agg(md5(row(fingerprint, rule, reasons, state, evidence_hash)::text), ''
                               ORDER BY fingerprint), ''))
FROM findings WHERE known_to = 'infinity'
"""


async def digest(connection: asyncpg.Connection) -> str:
    """The digest of all current records and their links."""
    return str(await connection.fetchval(_STATE))


async def flags(connection: asyncpg.Connection) -> tuple[int, str]:
    """How many findings are open, and the digest of all current findings."""
    count = await connection.fetchval("SELECT count(*) FROM findings WHERE known_to = 'infinity' AND state = 'open'")
    return int(count), str(await connection.fetchval(_FLAGS))
