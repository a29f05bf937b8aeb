"""The audit's jobs: chain what was written, anchor the chain outside the database, verify it every night."""

import asyncio
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.time_stamps import fetch_time_stamp
from jobs.pipeline import Work
from registry.audit_anchors import Anchor, anchor_file, append_anchor, read_anchors, stands_already
from registry.audit_chain import Newest, newest_batch, note, seal_batch
from registry.audit_time_stamps import ask_for_stamp, check_answer, read_roots, verify_stamps
from registry.audit_verifying import Verified, verify_audit
from registry.auditing import audit
from registry.database import driver, transaction
from registry.errors import Unavailable
from registry.settings import settings
from registry.viewers import Viewer

LOG: Final = structlog.get_logger(__name__)
NIGHTLY_ACTOR: Final = "nightly verification"


async def seal(work: Work, *, everything: bool = False) -> int:
    """Seal until nothing waits, a batch a transaction; how many entries."""
    sealed = 0
    while not work.stopping.is_set():
        async with transaction(work.engine) as session:
            batch = await seal_batch(session, work.now(), everything=everything)
        if batch is None:
            break
        sealed += batch.entries
    return sealed


async def anchor(work: Work) -> bool:
    """Seal everything, then append the end of the chain to the file outside; False where it stands there already."""
    await seal(work, everything=True)
    async with transaction(work.engine) as session:
        newest = await newest_batch(session)
    file, authority = anchor_file(), settings().audit_time_stamp_url
    if newest is None or stands_already(file, newest.number, newest.digest, stamped=authority is not None):
        return False
    # No transaction waits for somebody else's server.
    stamp = await _stamp(authority, newest) if authority is not None else ""
    at = work.now()
    appended = append_anchor(file, at, newest.number, newest.digest, newest.entries, stamp)
    if appended:
        said = {"at": at.isoformat(), "batch": newest.number, "entries": newest.entries, "stamped": bool(stamp)}
        async with transaction(work.engine) as session:
            await note(session, "audit_anchor", said)
    return appended


async def _stamp(authority: str, newest: Newest) -> str:
    """The authority's time-stamp of the end of the chain; none where it does not answer: it is asked again an hour
    later, and the anchor in the file waits for nobody."""
    asked = ask_for_stamp(newest.number, newest.digest.hex(), newest.entries)
    try:
        return check_answer(asked, await asyncio.to_thread(fetch_time_stamp, authority, asked.as_bytes()))
    except Unavailable as error:
        LOG.error("the audit's anchor bears no time-stamp", reason=str(error))
        return ""


async def verify(work: Work) -> Verified:
    """Verify the whole chain against the anchors, and note the outcome."""
    file, roots = anchor_file(), settings().audit_time_stamp_ca_file
    anchors = read_anchors(file) if file.exists() else []
    found = await verify_now(work.engine, anchors)
    verify_stamps(anchors, read_roots(roots) if roots else [], found)
    await note_verified(work.engine, NIGHTLY_ACTOR, work.now(), found)
    if found.breach is not None:
        LOG.error("the audit was tampered with", code=found.breach.code, said=found.breach.en)
    return found


async def verify_now(engine: AsyncEngine, anchors: list[Anchor]) -> Verified:
    """Verify the chain of a database in one snapshot."""
    async with transaction(engine) as session:
        # One snapshot for batches and seals: others are added meanwhile.
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return await verify_audit(await driver(session), anchors)


async def note_verified(engine: AsyncEngine, actor: str, at: datetime, found: Verified) -> None:
    """Note in the audit and for its page what verifying found."""
    async with transaction(engine) as session:
        await audit(session, Viewer(kind="key", actor=actor), "audit.verify", after=outcome(found))
        await note(session, "audit_verified", {"at": at.isoformat(), **outcome(found)})


def outcome(found: Verified) -> dict[str, Any]:
    """What verifying found, for the audit and for programs."""
    said: dict[str, Any] = {
        "holds": found.holds,
        "batches": found.batches,
        "entries": found.entries,
        "anchors": found.anchors,
        "last_anchored_batch": found.last_anchored,
        "time_stamps": found.stamps,
        "last_time_stamp": found.last_stamped,
        "unverified_time_stamps": found.unverified_stamps,
        "waiting": found.waiting,
        "waiting_since": found.waiting_since,
    }
    if found.breach is not None:
        breach = found.breach
        said["breach"] = {
            "code": breach.code,
            "batch": breach.batch,
            "place": breach.place,
            "entry": breach.entry,
            "message": breach.en,
            "message_zh": breach.zh,
        }
    return said
