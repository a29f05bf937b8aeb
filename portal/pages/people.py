"""The people of an administrator's organisations: made, granted roles, reset, unlocked, ended with a handover."""

from typing import Any, Final

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import identity_provider
from portal.alert_words import problem
from portal.pages.account import day, place_of
from portal.people_words import METHODS, ROLES, STATES, options, said
from portal.rendering import render
from portal.signing import Work, carry_out, errors_of, field, number, to_sign_in
from portal.viewing import viewing
from registry import clock
from registry.account_changing import ACCOUNT_FIELDS, change_account
from registry.account_writing import (
    NewAccount,
    account_of,
    create_account,
    end_account,
    invite,
    reset_account,
    unlock_account,
)
from registry.errors import ThreegatesError
from registry.granting import Grant, grant_role, grants_of, revoke_grant
from registry.handover import open_work
from registry.organising import organisations
from registry.reading import first, rows
from registry.sign_ins import end_sign_ins, open_sign_ins
from registry.viewers import Viewer

router = APIRouter()

FIELDS: Final = (
    "login",
    "name",
    "organisation_id",
    "region",
    "email",
    "language",
    "role",
    "held_from",
    "held_to",
    "reason",
    "successor",
)
SHOWN: Final = 200


@router.get("/people")
async def people(request: Request, q: str = "") -> Response:
    """The list, searched by name or login."""
    return await _list(request, q.strip()[:60])


async def _list(
    request: Request, q: str = "", error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("accounts")
        found = await rows(
            session,
            "SELECT a.id, a.login, a.name, a.state, a.region, a.invented, a.locked_until, o.name_zh AS organisation, "
            "EXISTS (SELECT FROM notification_wishes AS w WHERE w.account_id = a.id AND w.bouncing_since IS NOT NULL) "
            "AS bouncing, "
            "o.name_en AS organisation_en, array(SELECT DISTINCT g.role FROM role_grants AS g WHERE "
            "g.account_id = a.id AND g.revoked_at IS NULL AND g.held_from <= :today AND "
            "coalesce(g.held_to, 'infinity') >= :today) AS roles FROM accounts AS a "
            "JOIN organisations AS o ON o.id = a.organisation_id "
            "WHERE (CAST(:q AS text) = '' OR strpos(lower(a.name), lower(:q)) > 0 OR strpos(a.login, lower(:q)) > 0) "
            "ORDER BY a.state = 'ended', o.id, a.name, a.id LIMIT :most",
            q=q,
            today=clock.today(),
            most=SHOWN,
        )
        offices = await organisations(session, viewer)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "people.html",
        status=error.status if error else 200,
        q=q,
        most=SHOWN,
        people=[
            {**one, "roles": [said(ROLES, role) for role in one["roles"]], "state_word": said(STATES, one["state"])}
            for one in found
        ],
        organisations=[(one["id"], one["name_zh"]) for one in offices],
        values={name: field(form, name) for name in FIELDS} if form else {},
        errors=errors,
        general=general,
    )


@router.post("/people")
async def create(request: Request) -> Response:
    """A new account; its one-time password is shown this once."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        new = NewAccount(
            field(form, "login").lower(),
            field(form, "name")[:80],
            field(form, "organisation_id"),
            field(form, "region"),
            field(form, "email")[:120],
        )
        account_id, password = await create_account(session, viewer, new, clock.now())
        return _once(request, account_id, new.login, password=password)

    return await carry_out(
        request, work, lambda form, error: _list(request, error=error, form=form), permission="accounts"
    )


def _once(request: Request, account_id: int, login: str, *, password: str = "", invitation: str = "") -> Response:
    address = str(request.url.replace(path="/sign-in/provider", query=f"invitation={invitation}"))
    return render(
        request,
        "shown_once.html",
        login=login,
        password=password,
        invitation=address if invitation else "",
        go_on=f"/people/{account_id}",
    )


@router.get("/people/{account_id:int}")
async def person(request: Request, account_id: int) -> Response:
    """One person."""
    return await _person(request, account_id)


async def _person(
    request: Request, account_id: int, error: ThreegatesError | None = None, form: FormData | None = None
) -> Response:
    async with viewing(request) as session:
        viewer: Viewer = request.state.viewer
        if viewer.kind != "person":
            return to_sign_in(request)
        viewer.require("accounts")
        values = await _values(session, account_id)
    errors, general = errors_of(error, FIELDS)
    return render(
        request,
        "person.html",
        status=error.status if error else 200,
        own=account_id == viewer.account_id,
        errors=errors,
        general=general,
        provider=identity_provider.is_set(),
        role_options=options(ROLES),
        today=clock.today().isoformat(),
        # What was typed comes back when it is refused.
        values={name: field(form, name) for name in FIELDS} if form and "version" in form else values["account"],
        language_options=[("zh", "中文"), ("en", "English")],
        **values,
    )


async def _values(session: AsyncSession, account_id: int) -> dict[str, Any]:
    account = await account_of(session, account_id)
    office = await rows(
        session, "SELECT name_zh, name_en FROM organisations WHERE id = :id", id=account["organisation_id"]
    )
    returned = await first(
        session,
        "SELECT bouncing_since, bounce FROM notification_wishes WHERE account_id = :id AND bouncing_since IS NOT NULL",
        id=account_id,
    )
    colleagues = await rows(
        session,
        "SELECT id, name FROM accounts WHERE organisation_id = :office AND id <> :id AND state <> 'ended' "
        "ORDER BY name",
        office=account["organisation_id"],
        id=account_id,
    )
    return {
        "account": account,
        "returned": returned,
        "problem": problem,
        "office": office[0],
        "region": await place_of(session, account["region"]),
        "state_word": said(STATES, account["state"]),
        "locked": account["locked_until"] is not None and account["locked_until"] > clock.now(),
        "grants": [{**one, "role": said(ROLES, one["role"])} for one in await grants_of(session, account_id)],
        "sign_ins": [
            {**one, "method": said(METHODS, one["method"])}
            for one in await open_sign_ins(session, account_id, clock.now())
        ],
        "waiting": sum((await open_work(session, account_id)).values()),
        "colleagues": [(str(one["id"]), one["name"]) for one in colleagues],
    }


async def _do(request: Request, account_id: int, work: Work) -> Response:
    return await carry_out(
        request, work, lambda form, error: _person(request, account_id, error, form), permission="accounts"
    )


def _back(account_id: int) -> Response:
    return RedirectResponse(f"/people/{account_id}", 303)


@router.post("/people/{account_id:int}/change")
async def change(request: Request, account_id: int) -> Response:
    """Name, mail address, region and language."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        changes = {name: field(form, name)[:120] for name in ACCOUNT_FIELDS if name in form}
        await change_account(session, viewer, account_id, changes, number(form, "version") or 0)
        return _back(account_id)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/grant")
async def grant(request: Request, account_id: int) -> Response:
    """Grant a role."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        given = Grant(
            account_id,
            field(form, "role"),
            day(form, "held_from") or clock.today(),
            day(form, "held_to"),
            field(form, "reason")[:500],
        )
        await grant_role(session, viewer, given, clock.now())
        return _back(account_id)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/revoke")
async def revoke(request: Request, account_id: int) -> Response:
    """Take a role away."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await revoke_grant(session, viewer, number(form, "grant") or 0, "", clock.now())
        return _back(account_id)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/reset")
async def reset(request: Request, account_id: int) -> Response:
    """A one-time password in place of password and codes."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        password = await reset_account(session, viewer, account_id, field(form, "reason")[:500], clock.now())
        return _once(request, account_id, (await account_of(session, account_id))["login"], password=password)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/invite")
async def invitation(request: Request, account_id: int) -> Response:
    """A link that joins the account with an identity of the provider, once."""

    async def work(session: AsyncSession, viewer: Viewer, _form: FormData) -> Response:
        token = await invite(session, viewer, account_id, clock.now())
        return _once(request, account_id, (await account_of(session, account_id))["login"], invitation=token)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/unlock")
async def unlock(request: Request, account_id: int) -> Response:
    """Take the pause away."""

    async def work(session: AsyncSession, viewer: Viewer, _form: FormData) -> Response:
        await unlock_account(session, viewer, account_id)
        return _back(account_id)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/sign-ins/end")
async def end_theirs(request: Request, account_id: int) -> Response:
    """End all sign-ins of a person."""

    async def work(session: AsyncSession, viewer: Viewer, _form: FormData) -> Response:
        await account_of(session, account_id)
        await end_sign_ins(session, viewer, account_id, clock.now())
        return _back(account_id)

    return await _do(request, account_id, work)


@router.post("/people/{account_id:int}/end")
async def end(request: Request, account_id: int) -> Response:
    """End the account and hand over what is open."""

    async def work(session: AsyncSession, viewer: Viewer, form: FormData) -> Response:
        await end_account(
            session, viewer, account_id, number(form, "successor"), field(form, "reason")[:500], clock.now()
        )
        return _back(account_id)

    return await _do(request, account_id, work)
