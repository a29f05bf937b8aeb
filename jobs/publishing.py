"""What stood its objection period is published: looked at soon after each midnight of China and every hour."""

import structlog

from jobs.pipeline import Work
from registry.database import transaction
from registry.publishing.press import publish_due

LOG = structlog.get_logger(__name__)


async def publish(work: Work) -> int:
    """Publish what is due; how many."""
    async with transaction(work.engine) as session:
        published = await publish_due(session, work.now())
    for reference in published:
        LOG.info("published", publication=reference)
    return len(published)
