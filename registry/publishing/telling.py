"""Telling the office of a publication what happened to it, in the transaction in which it happened."""

from datetime import datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.reading import Row

_WORDS: Final = {
    "publication.awaits_approval": ("公示 {reference} 待批准", "Publication {reference} awaits approval"),
    "publication.objection": ("公示 {reference} 收到异议", "Publication {reference}: an objection came in"),
    "publication.published": ("{reference} 已公布", "{reference} was published"),
    "publication.corrected": ("{reference} 已更正", "{reference} was corrected"),
    "publication.withdrawn": ("{reference} 已撤回", "{reference} was withdrawn"),
    "publication.appeal": ("{reference} 收到申诉", "{reference}: an appeal came in"),
}


async def tell(session: AsyncSession, kind: str, publication: Row, item: int, now: datetime) -> None:
    """Announce an event of a publication to its office; `item` tells one from the next of the same kind."""
    zh, en = _WORDS[kind]
    reference = str(publication["reference"])
    await announce(
        session,
        Happened(
            kind=kind,
            key=f"{kind}:{publication['id']}:{item}",
            subject_kind="publication",
            subject=reference,
            path=f"/publishing/{publication['id']}",
            zh=zh.format(reference=reference),
            en=en.format(reference=reference),
            organisation_id=publication["organisation_id"],
            region=publication["region"],
        ),
        now,
    )
