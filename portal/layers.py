"""What the layers around the application share: they answer for requests alone, and add headers as an answer starts."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Layer:
    """A layer around an application; what is no request passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request through the layer."""
        if scope["type"] == "http":
            await self.around(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the layer does with a request; it calls `self.app`."""
        await self.app(scope, receive, send)


def telling(send: Send, tell: Callable[[MutableHeaders], None]) -> Send:
    """A `send` that lets `tell` change the headers before the answer starts."""

    async def send_told(message: Message) -> None:
        if message["type"] == "http.response.start":
            tell(MutableHeaders(scope=message))
        await send(message)

    return send_told
