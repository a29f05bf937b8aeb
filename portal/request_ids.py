"""A number for every request: it stands in the audit's entries and goes back in the header x-request-id."""

import uuid

from starlette.types import Receive, Scope, Send

from portal.layers import Layer, telling
from registry.auditing import REQUEST_ID


class RequestIds(Layer):
    """Gives the number; one that a client sends is not taken over, it would stand in the audit as ours."""

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the number around the request."""
        number = uuid.uuid4().hex
        before = REQUEST_ID.set(number)
        try:
            await self.app(scope, receive, telling(send, lambda headers: headers.update({"x-request-id": number})))
        finally:
            REQUEST_ID.reset(before)
