"""Reports from the public by schedule: months' keys are destroyed when due, desks are told that something waits.

Told is once a day and of the days before alone: an hour of telling would be an hour of reporting.
"""

from datetime import date

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from jobs.pipeline import Work
from registry.alerting.events import Happened, announce
from registry.clock import civil_day
from registry.database import transaction
from registry.tips.desk_work import desk_list
from registry.tips.retention import end_due, note_months
from registry.working_days import is_working_day

LOG = structlog.get_logger(__name__)
# From how many working days before an answer is due its desk is told.
_SOON = 3


async def keep_schedule(work: Work) -> list[str]:
    """Note the months' keys, destroy those that are due, tell the desks; the months whose keys went."""
    today = civil_day(work.now())
    async with transaction(work.engine) as session:
        await note_months(session, today)
        ended = await end_due(session, today)
    for month in ended:
        LOG.info("the key of a month of reports was destroyed", month=month)
    async with transaction(work.engine) as session:
        if is_working_day(today):
            await _tell(session, work, today)
    return ended


async def _tell(session: AsyncSession, work: Work, today: date) -> None:
    waiting = [one for one in await desk_list(session, today) if one["day"] < today]
    for one in waiting:
        kind = "tip.waits" if one["state"] == "received" else "tip.due"
        if one["due"] is None or (kind == "tip.due" and one["left"] > _SOON):
            continue
        desk = one["organisation_id"]
        zh, en = (
            ("有举报待登记。", "A report waits at your desk.")
            if kind == "tip.waits"
            else ("有举报的答复期限将到或已过。", "The answer to a report is due or late.")
        )
        # One a desk, kind and day, whatever their number.
        happened = Happened(kind, f"{kind}:{desk}:{today}", "tip_desk", desk, "/tips", zh, en, organisation_id=desk)
        await announce(session, happened, work.now())
