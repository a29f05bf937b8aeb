"""Which channels this installation can tell people by."""

from registry.alerting.spreading import Channels
from registry.settings import settings


def channels() -> Channels:
    """Mail where a mail server is named; webhooks and the inbox always."""
    return Channels(mail=settings().smtp_host is not None)
