"""What every resource that writes asks first: who calls, and whether they may write."""

from starlette.requests import Request

from portal.viewing import KeyNeeded
from registry.viewers import Viewer


def writer(request: Request) -> str:
    """The name under which the caller writes; raises KeyNeeded without a key, NotAllowed without the right."""
    viewer: Viewer = request.state.viewer
    if viewer.kind == "public":
        raise KeyNeeded("Writing needs a key.", remedy="Send “Authorization: Bearer KEY”; see docs/api.md for the key.")
    viewer.require("register")
    return viewer.actor
