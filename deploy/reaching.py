"""Asking servers that somebody else runs: one request to Elasticsearch, one connection to PostgreSQL."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SearchServer:
    """The address of an Elasticsearch and how it is entered."""

    url: str
    api_key: str | None = None
    ca_file: Path | None = None

    def ask(self, path: str, seconds: float = 5) -> tuple[Any, Message]:
        """GET one path: its JSON and the answer's headers. Raises OSError (urllib's errors are such) or ValueError."""
        # The setting is checked to be http(s), and the opener below gets no handler for files.
        address = self.url.rstrip("/") + path
        request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310  # see above
        if self.api_key:
            request.add_header("Authorization", f"ApiKey {self.api_key}")
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.url.startswith("https://"):
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(request, timeout=seconds) as answer:
            return json.load(answer), answer.headers

    def is_healthy(self) -> bool:
        """Whether it answers and serves every shard."""
        try:
            health, _ = self.ask("/_cluster/health")
        except (OSError, ValueError):
            return False
        return isinstance(health, dict) and health.get("status") in ("green", "yellow")
