"""The register itself over the API: sources, counts, how fresh and complete its input is."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from connectors.agency import SHIPPED, load_agencies
from jobs.status import status as read_status
from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry import clock
from registry.audience import INTERNAL
from registry.overview import Overview, overview
from registry.settings import settings
from registry.source_list import SourcePage, list_sources

router = APIRouter(tags=["register"], route_class=Operation)


class StatusAnswer(BaseModel):
    """Each agency's last run, counts, lag, next run and data quality; what still waits."""

    at: datetime
    feeds: list[dict[str, Any]]
    waiting: dict[str, int]


@router.get("/overview", summary="概况 · Counts", openapi_extra=needs("read", public=True))
async def counts(request: Request) -> Overview:
    """Counts of what is known now."""
    async with viewing(request) as session:
        return await overview(session)


@router.get("/sources", summary="来源与许可 · Sources and licences", openapi_extra=needs("read", public=True))
async def sources(request: Request, cursor: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 50) -> SourcePage:
    """Real sources first; `synthetic` ones are made by a program."""
    async with viewing(request) as session:
        return await list_sources(session, cursor=cursor, limit=limit)


@router.get("/status", summary="数据状况 · State of the input", openapi_extra=needs("read", public=True))
async def status(request: Request) -> StatusAnswer:
    """No finding does not mean lawful: this says what was read at all."""
    more = settings().agencies_folder
    agencies = await asyncio.to_thread(load_agencies, (SHIPPED, more) if more else (SHIPPED,))
    async with viewing(request) as session:
        audience = request.state.viewer.audience
        answer = (await read_status(session, agencies.values(), clock.now())).as_json()
    if audience not in INTERNAL:
        # What went wrong inside is for those who run it.
        for feed in answer["feeds"]:
            for run in [feed["last_run"], *feed["held"]]:
                if run:
                    for name in ("error", "error_zh", "error_en", "retry_at", "held_zh", "held_en"):
                        run.pop(name, None)
    return StatusAnswer(**answer)
