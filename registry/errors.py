"""Errors that speak: what went wrong, where, what to do. Each class carries its HTTP status (RFC 9457 at the edge)."""

from typing import ClassVar


class ThreegatesError(Exception):
    """Base of every error the project raises on purpose.

    The message is for the person who meets it, so it holds no secret and nothing personal.
    `where` names the place (file and line, field, setting, address), `remedy` says what to do.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "threegates could not do this"

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        """One line: place, message, remedy."""
        place = f"{self.where}: " if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


class BadInput(ThreegatesError):
    """What came in is not valid; nothing was changed."""

    status = 422
    title = "The input is not valid"


class BadFile(BadInput):
    """A file cannot be read as what it claims to be."""

    title = "The file is not valid"


class BadSetting(ThreegatesError):
    """A setting is missing or wrong."""

    title = "A setting is wrong"


class NotFound(ThreegatesError):
    """There is nothing under this address, code or name."""

    status = 404
    title = "Not found"


class Conflict(ThreegatesError):
    """The change contradicts what the register already holds."""

    status = 409
    title = "The change conflicts with the register"


class ChangedMeanwhile(Conflict):
    """Somebody else changed it since the caller read it; `changed` names what, as fields of the item."""

    status = 412
    title = "It was changed meanwhile"

    def __init__(self, message: str, *, where: str = "", remedy: str = "", changed: tuple[str, ...] = ()) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.changed = changed


class VersionNeeded(ThreegatesError):
    """A change has to say which version it was made on."""

    status = 428
    title = "The version that was seen is needed"


class NotAllowed(ThreegatesError):
    """The caller may not do this."""

    status = 403
    title = "Not allowed"


class Unavailable(ThreegatesError):
    """A server that is needed does not answer."""

    status = 503
    title = "A server does not answer"
