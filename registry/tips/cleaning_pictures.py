"""Pictures drawn anew from their points, and how a file is refused that cannot be cleaned for certain."""

import io
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from registry.errors import BadFile

# A picture that unpacks to more than this is an attack or a poster.
LARGEST_PICTURE: Final = 120_000_000
# What a packed file may unpack to.
LARGEST_UNPACKED: Final = 500 * 1024 * 1024
_PICTURES: Final = {
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "PNG": "PNG",
    "GIF": "PNG",
    "BMP": "PNG",
    "TIFF": "PNG",
    "WEBP": "PNG",
}


class CannotClean(BadFile):
    """A file of a kind that cannot be cleaned for certain."""

    title = "The file cannot be cleaned"


def drawn_anew(content: bytes) -> tuple[bytes, str, str]:
    """A picture's points alone, its suffix, and how it was made."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            kind = _PICTURES.get(picture.format or "")
            if kind is None or picture.width * picture.height > LARGEST_PICTURE or getattr(picture, "n_frames", 1) > 1:
                raise refusal()
            upright = ImageOps.exif_transpose(picture)
            mode = "RGB" if kind == "JPEG" or upright.mode not in ("1", "L", "LA", "RGB", "RGBA") else upright.mode
            if kind == "PNG" and "transparency" in upright.info:
                mode = "RGBA"
            bare = Image.new(mode, upright.size)
            # The points alone go over: no EXIF, no XMP, no profile, no thumbnail, no text.
            bare.paste(upright.convert(mode))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise refusal() from error
    out = io.BytesIO()
    bare.save(out, kind, **({"quality": 92} if kind == "JPEG" else {}))
    suffix = ".jpg" if kind == "JPEG" else ".png"
    return out.getvalue(), suffix, "picture drawn anew by Pillow: its points only"


def drawn_in_place(name: str, content: bytes) -> bytes:
    """A picture inside a packed file: it keeps its name, so its kind must stay what the name says."""
    copy, suffix, _how = drawn_anew(content)
    if not name.lower().endswith((suffix, ".jpeg" if suffix == ".jpg" else suffix)):
        raise refusal()
    return copy


def refusal() -> CannotClean:
    """What is said of a file of no kind that is known."""
    return CannotClean(
        "This kind of file cannot be cleaned for certain.",
        remedy="JPEG, PNG, GIF, BMP, TIFF and WebP pictures, PDF, DOCX, XLSX, PPTX, ODT, ODS and ODP without macros "
        "can. Else write down what it shows, or photograph the screen.",
    )
