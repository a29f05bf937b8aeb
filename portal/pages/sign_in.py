"""Signing in and out: with a password and a code, through the identity provider, or as one of the demo's people."""

from typing import Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import identity_provider
from portal.cookies import drop_cookie, read_cookie
from portal.people_words import ROLES, said
from portal.rendering import render
from portal.security import FORM_COOKIE
from portal.signing import device_of, field, own_path, person_form, signed_in
from portal.viewing import SIGN_IN_COOKIE, recognise, viewing
from registry import clock
from registry.accounts import must_set_up
from registry.database import transaction
from registry.errors import NotFound
from registry.granting import grants_of, roles_today
from registry.reading import Row, first, rows
from registry.sign_ins import end_sign_ins
from registry.signing_in import begin, sign_in
from registry.viewers import RECOGNISING, Viewer, become

router = APIRouter()

SET_UP: Final = "/account"


@router.get("/sign-in")
async def page(request: Request, back: str = "/") -> Response:
    """The form; in the demo with one button a person."""
    return await _page(request, own_path(back))


async def _page(
    request: Request, back: str, *, login: str = "", refused: bool = False, failed: bool = False
) -> Response:
    async with viewing(request) as session:
        people = await _demo_people(session) if request.state.demo else []
    return render(
        request,
        "sign_in.html",
        status=401 if refused or failed else 200,
        back=back,
        login=login,
        refused=refused,
        failed=failed,
        people=people,
        provider=identity_provider.is_set(),
    )


async def _demo_people(session: AsyncSession) -> list[Row]:
    await become(session, RECOGNISING)
    found = await rows(
        session,
        "SELECT a.login, a.name, o.name_zh AS organisation, o.name_en AS organisation_en, "
        "(SELECT min(g.role) FROM role_grants AS g WHERE g.account_id = a.id AND g.delegated_by IS NULL "
        "AND g.revoked_at IS NULL) AS role FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id "
        "WHERE a.invented AND o.invented AND a.state = 'active' AND a.login LIKE 'demo-%' "
        "ORDER BY min(a.id) OVER (PARTITION BY o.id), a.id",
    )
    return [{**one, "role": said(ROLES, one["role"] or "")} for one in found]


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    """Sign in with login, password and code; one answer for whatever was wrong."""
    form = await person_form(request)
    back = own_path(field(form, "back"))
    password = form.get("password")
    async with transaction() as session:
        await become(session, RECOGNISING)
        taken = await sign_in(
            session,
            field(form, "login").lower()[:80],
            password if isinstance(password, str) else "",
            field(form, "code")[:40],
            device_of(request),
            clock.now(),
        )
        to = back
        if taken is not None:
            await _end_earlier(request, session)
            if await _must_set_up(session, taken.account_id):
                to = SET_UP
    if taken is None:
        return await _page(request, back, login=field(form, "login"), refused=True)
    return signed_in(request, taken.secret, to)


async def _must_set_up(session: AsyncSession, account_id: int) -> bool:
    await become(session, RECOGNISING)
    account = await first(
        session,
        "SELECT must_change_password, totp_sealed IS NULL AS without_code FROM accounts WHERE id = :id",
        id=account_id,
    )
    roles = frozenset(roles_today(await grants_of(session, account_id), clock.today()))
    return account is not None and must_set_up(
        "password", roles, must_change=account["must_change_password"], without_code=account["without_code"]
    )


async def _end_earlier(request: Request, session: AsyncSession) -> None:
    """What this browser was signed in as before ends with the new sign-in."""
    if not read_cookie(request, SIGN_IN_COOKIE):
        return
    before = await recognise(request, session)
    if before.account_id is not None and before.sign_in_id is not None:
        await end_sign_ins(session, before, before.account_id, clock.now(), only=before.sign_in_id)


@router.post("/sign-in/demo")
async def enter_demo(request: Request) -> Response:
    """Sign in as one of the demo's invented people, with one click; outside the demo there is no such page."""
    form = await person_form(request)
    async with transaction() as session:
        await become(session, RECOGNISING)
        account = await first(
            session,
            "SELECT a.* FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id "
            "WHERE a.login = :login AND a.invented AND o.invented AND a.state = 'active' AND a.login LIKE 'demo-%' "
            "AND EXISTS (SELECT FROM register_facts WHERE name = 'demo')",
            login=field(form, "login"),
        )
        if account is None:
            raise NotFound("There is no such page.")
        await _end_earlier(request, session)
        await become(session, RECOGNISING)
        taken = await begin(session, account, "demo", device_of(request), clock.now())
    return signed_in(request, taken.secret, own_path(field(form, "back")))


@router.get("/sign-in/provider")
async def to_provider(request: Request, back: str = "/", invitation: str = "") -> Response:
    """To the identity provider; state, nonce and the PKCE verifier wait sealed in a cookie.

    Whoever comes from elsewhere (a mail with an invitation, a stranger's page) first sees where they are, and goes on
    by a click of their own: nobody is signed in, nor joined with an account, without knowing.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return render(request, "to_provider.html", back=own_path(back), invitation=invitation[:100])
    return await identity_provider.leave(request, own_path(back), invitation[:100])


@router.get("/sign-in/return")
async def from_provider(request: Request) -> Response:
    """Back from the identity provider."""
    arrived = await identity_provider.arrive(request)
    if arrived is None:
        return _without_state(request, await _page(request, "/", failed=True))
    async with transaction() as session:
        await become(session, RECOGNISING)
        account = await identity_provider.account_of(session, arrived, clock.now())
        if account is not None:
            await _end_earlier(request, session)
            await become(session, RECOGNISING)
            taken = await begin(session, account, "provider", device_of(request), clock.now())
    if account is None:
        return _without_state(request, await _page(request, "/", failed=True))
    return _without_state(request, signed_in(request, taken.secret, arrived.back))


def _without_state(request: Request, answer: Response) -> Response:
    drop_cookie(request, answer, identity_provider.STATE_COOKIE)
    return answer


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    """End this sign-in."""
    await person_form(request)
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.account_id is not None and viewer.sign_in_id is not None:
            await end_sign_ins(session, viewer, viewer.account_id, clock.now(), only=viewer.sign_in_id)
    answer = RedirectResponse("/", 303)
    drop_cookie(request, answer, SIGN_IN_COOKIE)
    drop_cookie(request, answer, FORM_COOKIE)
    # What the browser kept of the pages goes too: somebody else may sit down next.
    answer.headers["clear-site-data"] = '"cache", "storage"'
    return answer
