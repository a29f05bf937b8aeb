"""What can go wrong with a feed, each error with what happened, the address without secrets, and the remedy."""

from registry.errors import BadFile, ThreegatesError


class BadAgency(BadFile):
    """An agency.yml (or a cases.yml) does not say what it must; the message names file, field and remedy."""

    title = "The agency's file is not valid"


class FeedError(ThreegatesError):
    """A feed could not be read. What was stored before stays; the next run resumes after it."""

    status = 502
    title = "The agency's feed could not be read"


class FeedUnreachable(FeedError):
    """Nobody answers, or only with errors, also after the retries.

    `retry_after` is how many seconds the agency asked to be left alone, where it said so.
    """

    def __init__(self, message: str, *, where: str = "", remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.retry_after = retry_after


class FeedTooSlow(FeedUnreachable):
    """The answer did not arrive within the time allowed for a page."""


class FeedTooLarge(FeedError):
    """The answer is larger than allowed, as it came or unpacked."""


class FeedRefused(FeedError):
    """The agency does not accept the credential."""


class FeedOffHost(FeedError):
    """The feed points at a host that the agency.yml does not allow, by redirect or by link."""


class FeedUnreadable(FeedError):
    """The answer is not what the agency.yml says: not the format, or a part is missing."""


class CheckpointExpired(FeedError):
    """The agency no longer knows the place where the last run stopped: start again without a checkpoint."""


class FeedHeld(FeedError):
    """The feed contradicts itself (too few, missing page, wrong checksum): a person has to look; nothing is retired."""

    title = "The agency's feed is held for a person"


class RecordRejected(Exception):
    """One entry cannot be read: `field_name` is the agency's name of the field, `reason` says why."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(field_name, reason)
        self.field_name = field_name
        self.reason = reason

    def __str__(self) -> str:
        """Field and reason in one line."""
        return f"{self.field_name}: {self.reason}" if self.field_name else self.reason
