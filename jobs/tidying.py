"""What has served its time goes: kept answers, old secrets of keys, sign-ins long ended, reports never sent."""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import text

from jobs.pipeline import Work
from registry.clock import civil_day
from registry.database import transaction
from registry.keys import ANSWERS_KEPT

# Devices of people are no history; that somebody signed in stands in the audit.
SIGN_INS_KEPT: Final = timedelta(days=180)
LOG: Final = structlog.get_logger(__name__)


async def tidy(work: Work) -> int:
    """Forget what nobody can ask for any more; how many rows."""
    now = work.now()
    async with transaction(work.engine) as session:
        connection = await session.connection()
        answers = await connection.execute(
            text("DELETE FROM idempotent_answers WHERE created_at <= :oldest"), {"oldest": now - ANSWERS_KEPT}
        )
        secrets = await connection.execute(
            text("UPDATE api_keys SET previous_hash = NULL, previous_until = NULL WHERE previous_until <= :now"),
            {"now": now},
        )
        ended = await connection.execute(
            text("DELETE FROM sign_ins WHERE ends_at <= :oldest"), {"oldest": now - SIGN_INS_KEPT}
        )
        # Files of reports that were never sent, and uploads that broke off.
        drafts = await connection.execute(
            text("DELETE FROM tip_parts WHERE (draft_hash IS NOT NULL OR NOT complete) AND day < :yesterday"),
            {"yesterday": civil_day(now) - timedelta(days=1)},
        )
    return answers.rowcount + secrets.rowcount + ended.rowcount + drafts.rowcount
