"""Versions of what is changed: a reader gets an ETag and gives it back with If-Match, to change nothing blindly."""

from starlette.requests import Request

from registry.errors import ChangedMeanwhile, NotAllowed, ThreegatesError


class VersionNeeded(ThreegatesError):
    """A change came without saying which version it was made on."""

    status = 428
    title = "A version is needed"


def etag(version: object) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def version_of(if_match: str | None) -> str:
    """The version that If-Match names; raises VersionNeeded without one, ChangedMeanwhile for what is none of ours."""
    if not if_match:
        raise VersionNeeded("It is not said on which version this change was made.", where="If-Match")
    text = if_match.strip().removeprefix("W/")
    if len(text) < 3 or not (text.startswith('"') and text.endswith('"')):
        raise ChangedMeanwhile("Somebody else changed this meanwhile.", remedy="Read it again and repeat the change.")
    return text[1:-1]


def refuse_foreign_pages(request: Request) -> None:
    """Refuse a change that another site's page makes with the sign-in of its visitor; keys come with no such page."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise NotAllowed("The request was not sent from a page of this register.", remedy="Send it from your program.")
