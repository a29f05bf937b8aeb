"""An identity provider that lies on request: it serves what OpenID Connect asks for, with one thing wrong."""

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

OWN_KEY: Final = RSAKey.generate_key(2048, {"kid": "own"})
OTHER_KEY: Final = RSAKey.generate_key(2048, {"kid": "own"})
# What each lie changes in the claims of an honest token.
CLAIMS: Final[dict[str, dict[str, Any]]] = {
    "honest": {},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "another issuer": {"iss": "https://another.example"},
    "expired": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "no subject": {"sub": None},
}
SIGNATURES: Final = ("another key", "the public key as a secret", "unsigned", "no token")
LIES: Final = (*(lie for lie in CLAIMS if lie != "honest"), *SIGNATURES)


class LyingProvider(ThreadingHTTPServer):
    """The server; `lie` is what is wrong with the next token, `verifiers` what came to be exchanged."""

    lie = "honest"
    subject = "lying-subject"
    acr = "password"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.nonces: dict[str, str] = {}
        self.verifiers: list[str] = []

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def authorise(self, address: str) -> str:
        """What the browser is sent back with, for the address that it was sent here with: a query."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = asked["nonce"]
        return urllib.parse.urlencode({"code": code, "state": asked["state"]})

    def token(self, code: str) -> str | None:
        """The token for a code, with the lie that is asked for."""
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": "threegates",
            "sub": self.subject,
            "exp": int(time.time()) + 300,
            "nonce": self.nonces[code],
            "acr": self.acr,
        }
        claims |= CLAIMS.get(self.lie, {})
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.lie == "no token":
            return None
        if self.lie == "another key":
            return jwt.encode({"alg": "RS256", "kid": "own"}, claims, OTHER_KEY)
        if self.lie == "the public key as a secret":
            secret = OctKey.import_key(OWN_KEY.as_pem(private=False).replace(b"-----", b"====="))
            return jwt.encode({"alg": "HS256", "kid": "own"}, claims, secret)
        if self.lie == "unsigned":
            return jwt.encode({"alg": "none"}, claims, OWN_KEY, algorithms=["none"])
        return jwt.encode({"alg": "RS256", "kid": "own"}, claims, OWN_KEY)


class _Answers(BaseHTTPRequestHandler):
    server: LyingProvider

    def do_GET(self) -> None:
        issuer = self.server.issuer
        if self.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{issuer}/authorize",
                    "token_endpoint": f"{issuer}/token",
                    "jwks_uri": f"{issuer}/keys",
                }
            )
        else:
            self._answer({"keys": [OWN_KEY.as_dict(private=False)]})

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        asked = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        self.server.verifiers.append(asked.get("code_verifier", ""))
        token = self.server.token(asked["code"])
        self._answer({"access_token": "x", "token_type": "Bearer"} | ({"id_token": token} if token else {}))

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        return None


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """One for the time of the block."""
    provider = LyingProvider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
