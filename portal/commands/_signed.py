"""What commands that verify signatures share: a file's content, and the public keys to verify with."""

from pathlib import Path

from registry.errors import BadInput
from registry.gate.receipts import read_published
from registry.gate.signing import key_file, read_key


def content_of(path: Path) -> bytes:
    """What a file holds; BadInput where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"The file cannot be read ({error.strerror}).", where=str(path), remedy="Check the path and its rights."
        ) from None


def published(path: Path | None) -> dict[str, bytes]:
    """Public keys by name: of a saved /gate-check/keys.json, or of this installation."""
    if path is not None:
        return read_published(content_of(path))
    if not key_file().exists():
        raise BadInput(
            "This machine has no key to verify with.",
            remedy="Save /gate-check/keys.json of the register that gave the receipt, and name it with --keys.",
        )
    key = read_key(key_file().absolute())
    return {key.name: key.public}
