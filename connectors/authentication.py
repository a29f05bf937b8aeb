"""How the agency knows us: the headers and parameters of a request, and tokens that are fetched and renewed."""

import base64
import time
from collections.abc import Callable
from typing import Final

import orjson

from connectors.agency import Agency
from connectors.environment import variable
from connectors.errors import FeedUnreadable
from connectors.json_answers import dig

# A token is renewed when this share of its life is left, so that it does not die on its way.
_MARGIN: Final = 0.1
_LIFETIME_UNSAID: Final = 300.0


class Credential:
    """The credential of one agency; `ask_token` posts a form to the token endpoint and returns the answer."""

    def __init__(self, agency: Agency, ask_token: Callable[[dict[str, str]], bytes]) -> None:
        self._declared = agency.authentication
        self._where = f"agency {agency.id}: authentication"
        self._ask_token = ask_token
        self._token = ""
        self._good_until = 0.0

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold the secrets."""
        return [name for name in (self._declared.user, self._declared.secret) if name is not None]

    def apply(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters that carry the credential."""
        declared = self._declared
        if declared.kind == "none":
            return {}, {}
        if declared.kind == "token":
            return {"Authorization": f"Bearer {self._current_token()}"}, {}
        secret = variable(declared.secret or "", where=self._where)
        if declared.kind == "basic":
            user = variable(declared.user or "", where=self._where)
            pair = base64.b64encode(f"{user}:{secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}, {}
        if declared.header is not None:
            return {declared.header: secret}, {}
        return {}, {declared.parameter or "": secret}

    def renew(self) -> bool:
        """Forgets the token after it was refused; False where there was none (so the secret itself was refused)."""
        had_token, self._token = bool(self._token), ""
        return had_token

    def _current_token(self) -> str:
        if self._token and time.monotonic() < self._good_until:
            return self._token
        declared = self._declared
        answer = self._ask_token(
            {
                **declared.body,
                declared.user_field: variable(declared.user or "", where=self._where),
                declared.secret_field: variable(declared.secret or "", where=self._where),
            }
        )
        try:
            document = orjson.loads(answer)
        except orjson.JSONDecodeError:
            document = None
        token, lifetime = dig(document, declared.token), dig(document, declared.lifetime)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise FeedUnreadable(
                f"The token endpoint gave no token at {declared.token}.",
                where=self._where,
                remedy="Compare authentication.token in the agency.yml with the agency's documentation.",
            )
        seconds = float(lifetime) if isinstance(lifetime, (int, float)) else _LIFETIME_UNSAID
        self._token = token
        self._good_until = time.monotonic() + seconds * (1 - _MARGIN)
        return token
