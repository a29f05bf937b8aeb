"""Private keys of officers as files: under a passphrase (age), made and read on the officer's own machine only."""

from typing import Final

import pyrage
from pyrage.x25519 import Identity

from registry.errors import BadInput
from registry.tips.sealing import CannotOpen, fingerprint, identity

# Long enough that trying all costs more than a burglary: five words or so.
SHORTEST_PASSPHRASE: Final = 16
_LARGEST: Final = 16 * 1024


def new_key_file(passphrase: str) -> tuple[bytes, str]:
    """A new key: the content of its file and its public half (age1…)."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BadInput(
            f"A passphrase has at least {SHORTEST_PASSPHRASE} characters.", remedy="Take five words that do not belong."
        )
    made = Identity.generate()
    recipient = str(made.to_public())
    said = f"# threegates tips\n# public key: {recipient}\n# fingerprint: {fingerprint(recipient)}\n{made}\n"
    return bytes(pyrage.passphrase.encrypt(said.encode(), passphrase)), recipient


def read_key_file(content: bytes, passphrase: str) -> Identity:
    """The private key in a file; CannotOpen where the passphrase is wrong or it is none."""
    try:
        said = bytes(pyrage.passphrase.decrypt(content[:_LARGEST], passphrase)).decode("utf-8", "replace")
    except pyrage.DecryptError as error:
        raise CannotOpen(
            "The passphrase is wrong, or the file is no key.", remedy="The key is made by `threegates tips keys new`."
        ) from error
    secret = next((line for line in said.splitlines() if line.startswith("AGE-SECRET-KEY-")), "")
    return identity(secret)
