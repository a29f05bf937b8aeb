"""Values that stand in the environment: addresses and secrets, named in an agency.yml and never written there."""

import os
import re
from typing import Final

from registry.errors import BadSetting

_REFERENCE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def variable(name: str, *, where: str) -> str:
    """The value of an environment variable that an agency needs."""
    value = os.environ.get(name, "")
    if not value:
        raise BadSetting(
            f"{name} is not set.", where=where, remedy="Set it; `threegates up` sets it for the played agencies."
        )
    return value


def resolve(text: str, *, where: str) -> str:
    """The text with every ${NAME} replaced by its value."""
    return _REFERENCE.sub(lambda match: variable(match.group(1), where=where), text)
