"""Figures over the API: time to acknowledge, decide and close; and the 29 tasks."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from portal.api._operations import Operation, needs
from portal.viewing import viewing
from registry import clock
from registry.publishing.accountability import Task, tasks
from registry.publishing.figures import Figures, figures

router = APIRouter(tags=["statistics"], route_class=Operation)


class FigureList(BaseModel):
    """Figures by agency, province and year; null is a number too small to be told."""

    items: list[Figures]


class TaskList(BaseModel):
    """The 29 rows of the division of work of Guofa [2010] 7."""

    items: list[Task]


@router.get("/statistics", summary="处理情况统计 · Statistics", openapi_extra=needs("read", public=True))
async def statistics(request: Request, year: Annotated[int | None, Query(ge=2000, le=2100)] = None) -> FigureList:
    """Medians and counts; without credit and without small numbers for whoever is no official."""
    async with viewing(request) as session:
        return FigureList(items=await figures(session, year, internal=request.state.viewer.may("internal")))


@router.get("/accountability", summary="29 项任务的责任与进展 · The 29 tasks", openapi_extra=needs("read", public=True))
async def accountability(request: Request) -> TaskList:
    """Who is responsible, with successors, and how the work on each task stands."""
    async with viewing(request) as session:
        return TaskList(items=await tasks(session, clock.today()))
