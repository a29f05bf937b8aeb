"""A number for every request: it stands in the audit's entries and goes back in the header x-request-id."""

import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.auditing import REQUEST_ID


class RequestIds:
    """Gives the number; one that a client sends is not taken over, it would stand in the audit as ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the number around the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = uuid.uuid4().hex

        async def send_with_number(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = number
            await send(message)

        before = REQUEST_ID.set(number)
        try:
            await self.app(scope, receive, send_with_number)
        finally:
            REQUEST_ID.reset(before)
