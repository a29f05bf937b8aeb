"""If-Match: a change names what its caller has seen of the thing, and is refused when that is no longer so."""

from typing import Annotated

from fastapi import Header
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.api._operations import tags
from registry.errors import VersionNeeded
from registry.project_states import project_state

IfMatch = Annotated[
    str | None,
    Header(
        max_length=2000,
        description="The ETag of the project as you read it, or its `state` in quotation marks. Required: 428 without.",
        examples=['"812.1.2.3.0"'],
    ),
]


def seen_versions(if_match: str | None) -> list[str]:
    """The versions that a caller has seen of a thing; raises VersionNeeded without any. `*` stands for whatever is."""
    seen = [one.strip('"').partition("-")[0] for one in tags(if_match or "")]
    if not seen:
        raise VersionNeeded(
            "This change says which version it was made on.",
            where="If-Match",
            remedy="Read it first and send its ETag in If-Match.",
        )
    return seen


async def seen_state(session: AsyncSession, project_id: int, if_match: str | None) -> str:
    """The state that a caller has seen: of several that are named the one that holds, else the first.

    Only the first part of a tag counts, the project's state: a finding or a record that came meanwhile is nothing that
    a correction could overwrite. `*` is whatever there is.
    """
    seen = [one.strip('"').partition("-")[0] for one in tags(if_match or "")]
    if not seen:
        raise VersionNeeded(
            "A correction says which version it was made on.",
            where="If-Match",
            remedy="Read the project first and send its ETag in If-Match.",
        )
    now = await project_state(session, project_id)
    return now if now in seen or seen == ["*"] else seen[0]
