"""The demo's switch between the public's view and an official's; without the demo there is none."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.audience import COOKIE, is_demo
from portal.security import check_form_token
from registry.database import transaction
from registry.errors import NotFound

router = APIRouter()


@router.post("/audience")
async def switch(
    request: Request,
    audience: Annotated[str, Form()],
    form_token: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Look as the public or as an official from now on."""
    check_form_token(request, form_token)
    async with transaction() as session:
        if not await is_demo(session):
            raise NotFound("There is no such page.")
    # Only a path of our own: never another host.
    safe = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
    answer = RedirectResponse(safe, 303)
    chosen = "official" if audience == "official" else "public"
    answer.set_cookie(COOKIE, chosen, samesite="strict", httponly=True)
    return answer
