"""Signing in through an OpenID Connect provider: authorization code with PKCE, state and nonce."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.cookies import read_cookie
from registry import clock
from registry.auditing import audit
from registry.errors import NotFound, Unavailable
from registry.installation_key import seal, unseal
from registry.reading import Row, first, rows
from registry.settings import settings
from registry.viewers import Viewer

STATE_COOKIE: Final = "threegates_provider"
# How long somebody may take at the provider.
_WAITS: Final = timedelta(minutes=10)
_PURPOSE: Final = "provider state"
_SECONDS: Final = 10
# No symmetric ones, and never "none".
_ALGORITHMS: Final = ["RS256", "PS256", "ES256"]
_CLOCK_SKEW: Final = 60


@dataclass(frozen=True, slots=True)
class Arrived:
    """Whom the provider says has signed in, and where they go on."""

    issuer: str
    subject: str
    back: str
    invitation: str


def is_set() -> bool:
    """Whether a provider is set."""
    return bool(settings().oidc_issuer and settings().oidc_client_id)


async def leave(request: Request, back: str, invitation: str) -> Response:
    """The answer that leads to the provider."""
    if not is_set():
        raise NotFound("There is no such page.")
    provider = await asyncio.to_thread(_metadata)
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    asked = {"acr_values": settings().oidc_acr} if settings().oidc_acr else {}
    with _client(request) as client:
        address, state = client.create_authorization_url(
            provider["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
        )
    kept = {
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "back": back,
        "invitation": invitation,
        "ends": (clock.now() + _WAITS).timestamp(),
    }
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        STATE_COOKIE,
        seal(orjson.dumps(kept), _PURPOSE).hex(),
        max_age=int(_WAITS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/sign-in",
    )
    return answer


async def arrive(request: Request) -> Arrived | None:
    """Whom the provider's answer names; None where anything does not fit what this browser set out with."""
    if not is_set():
        raise NotFound("There is no such page.")
    try:
        opened = unseal(bytes.fromhex(read_cookie(request, STATE_COOKIE)), _PURPOSE)
    except ValueError:
        opened = None
    kept = orjson.loads(opened) if opened else {}
    state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
    if not kept or not code or kept["ends"] < clock.now().timestamp():
        return None
    if not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        return None
    claims = await asyncio.to_thread(_claims, request, code, kept["verifier"])
    if claims is None or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), kept["nonce"].encode()):
        return None
    return Arrived(str(claims["iss"]), str(claims["sub"]), kept["back"], kept["invitation"])


async def account_of(session: AsyncSession, arrived: Arrived, now: datetime) -> Row | None:
    """The account of an identity; an invitation links one first. A refusal stands in the audit."""
    if arrived.invitation:
        linked = await rows(
            session,
            "UPDATE accounts SET identity_issuer = :issuer, identity_subject = :subject, invitation_hash = NULL, "
            "invitation_ends = NULL, state = 'active', must_change_password = false, version = version + 1 "
            "WHERE invitation_hash = :hash AND invitation_ends > :now AND state <> 'ended' AND NOT EXISTS ("
            "SELECT FROM accounts WHERE identity_issuer = :issuer AND identity_subject = :subject) "
            "RETURNING id, login, organisation_id",
            issuer=arrived.issuer,
            subject=arrived.subject,
            hash=hashlib.sha256(arrived.invitation.encode()).digest(),
            now=now,
        )
        for one in linked:
            viewer = Viewer("person", one["id"], actor=one["login"], organisation_id=one["organisation_id"])
            after = {"issuer": arrived.issuer}
            await audit(session, viewer, "account.link_identity", "account", str(one["id"]), after=after)
    account = await first(
        session,
        "SELECT a.* FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id AND o.ended_at IS NULL "
        "WHERE a.identity_issuer = :issuer AND a.identity_subject = :subject AND a.state <> 'ended'",
        issuer=arrived.issuer,
        subject=arrived.subject,
    )
    if account is None:
        await audit(session, Viewer("sign_in"), "sign_in.refuse", why="identity not linked")
        return None
    if account["state"] == "invited":
        await (await session.connection()).execute(
            text("UPDATE accounts SET state = 'active' WHERE id = :id"), {"id": account["id"]}
        )
    return account


def _client(request: Request) -> OAuth2Session:
    secret = settings().oidc_client_secret
    return OAuth2Session(
        settings().oidc_client_id,
        secret.get_secret_value() if secret else None,
        scope="openid",
        redirect_uri=str(request.url.replace(path="/sign-in/return", query="")),
        code_challenge_method="S256",
    )


def _metadata() -> dict[str, Any]:
    issuer = settings().oidc_issuer or ""
    found = _get(f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise _unavailable()
    return found


def _get(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise _unavailable() from error
    return found


def _unavailable() -> Unavailable:
    return Unavailable("The identity provider does not answer.", remedy="Try again, or sign in with a password.")


def _claims(request: Request, code: str, verifier: str) -> dict[str, Any] | None:
    """What the provider's signed token says; None where the code or the token is not valid."""
    provider = _metadata()
    try:
        with _client(request) as client:
            token = client.fetch_token(
                provider["token_endpoint"], code=code, code_verifier=verifier, timeout=_SECONDS, allow_redirects=False
            )
        keys = KeySet.import_key_set(_get(provider["jwks_uri"]))  # type: ignore[arg-type]  # read as JSON
        decoded = jwt.decode(str(token["id_token"]), keys, algorithms=_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=_CLOCK_SKEW,
            iss={"essential": True, "value": provider["issuer"]},
            aud={"essential": True, "value": settings().oidc_client_id or ""},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(decoded.claims)
    except (JoseError, requests.RequestException, KeyError, ValueError):
        return None
    except Exception as error:
        # authlib's refusals share a base only with its other errors.
        if type(error).__module__.startswith("authlib"):
            return None
        raise
    claims: dict[str, Any] = decoded.claims
    wanted = (settings().oidc_acr or "").split()
    return claims if not wanted or claims.get("acr") in wanted else None
