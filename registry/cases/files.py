"""Files of a case: what may be attached is told from the bytes, and what a file says of its making is shown."""

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, Final

import filetype
import pikepdf
from defusedxml import ElementTree
from PIL import ExifTags, Image
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.cases.stages import stages
from registry.cases.trail import find_case, tell
from registry.database import json_text
from registry.errors import BadFile, BadInput, Conflict, NotAllowed, NotFound
from registry.reading import Row, first
from registry.viewers import Viewer

_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What may be attached, and the endings that go with it.
TYPES: Final[dict[str, tuple[str, ...]]] = {
    "application/pdf": (".pdf",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    _WORD: (".docx",),
    _SHEET: (".xlsx",),
    "text/plain": (".txt",),
    "text/csv": (".csv",),
}
ALLOWED: Final = "PDF, JPEG, PNG, DOCX, XLSX, TXT, CSV"
# A file within an Office file that is larger unpacked is a bomb and no document.
_LARGEST_PART: Final = 4 * 2**20
_MOST_PARTS: Final = 5000
_MOST_FILES: Final = 300
_LONGEST_VALUE: Final = 200
_MACROS: Final = re.compile(r"vbaProject|vbaData|macrosheets|activeX|embeddings/.*\.(bin|exe)$", re.IGNORECASE)
# What runs in a PDF when it is opened, or comes along inside it.
_ACTIVE: Final = ("/JavaScript", "/JS", "/Launch", "/EmbeddedFiles", "/RichMedia")
_CORE: Final = "docProps/core.xml"
_APP: Final = "docProps/app.xml"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it came in: its bytes and the name that the sender's machine gave it."""

    name: str
    content: bytes
    kind: str = ""
    credit: bool = False
    task_id: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What the bytes say: the type, and what the file tells of its making (author, program, times, place)."""

    media_type: str
    told_within: dict[str, Any]


def look_into(name: str, content: bytes, *, most_bytes: int) -> Looked:
    """Tell what a file is and what it says of its making; raises BadFile for what may not be attached."""
    if not content:
        raise BadFile("The file is empty.", where=name)
    if len(content) > most_bytes:
        raise BadFile(f"The file is larger than {most_bytes // 2**20} MB.", where=name, remedy="Split or shrink it.")
    media_type = _type_of(name, content)
    ending = PurePath(name).suffix.lower()
    if ending not in TYPES[media_type]:
        raise BadFile(
            "The file's ending does not fit what is in it.", where=name, remedy="Give it the ending of what it is."
        )
    if media_type == "application/pdf":
        return Looked(media_type, _pdf(name, content))
    if media_type.startswith("image/"):
        return Looked(media_type, _picture(name, content))
    if media_type in (_WORD, _SHEET):
        return Looked(media_type, _office(name, content))
    return Looked(media_type, {})


def _refuse(name: str) -> BadFile:
    return BadFile("This kind of file cannot be attached.", where=name, remedy=f"Attach {ALLOWED}.")


def _type_of(name: str, content: bytes) -> str:
    """The type by content; text is what is UTF-8 or GB 18030 without control characters."""
    if content.startswith(b"PK\x03\x04"):
        return _type_of_archive(name, content)
    kind = filetype.guess_mime(content)
    if kind in TYPES:
        return str(kind)
    if kind is not None or content.startswith((b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")):
        raise _refuse(name)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            read = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", read) or re.match(r"\s*<(!doctype|html|\?xml|svg)", read, re.I):
            break
        return "text/csv" if PurePath(name).suffix.lower() == ".csv" else "text/plain"
    raise _refuse(name)


def _type_of_archive(name: str, content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        raise BadFile("The file is damaged.", where=name) from None
    if len(parts) > _MOST_PARTS:
        raise _refuse(name)
    if any(_MACROS.search(part) for part in parts):
        raise BadFile(
            "The file holds macros or programs.", where=name, remedy="Save it without them, or as PDF, and attach that."
        )
    if "[Content_Types].xml" in parts:
        if "word/document.xml" in parts:
            return _WORD
        if "xl/workbook.xml" in parts:
            return _SHEET
    raise _refuse(name)


def _pdf(name: str, content: bytes) -> dict[str, Any]:
    try:
        with pikepdf.open(io.BytesIO(content)) as document:
            if _is_active(document):
                raise BadFile(
                    "The PDF holds scripts or files of its own.", where=name, remedy="Print it to a plain PDF."
                )
            told = {key.removeprefix("/").lower(): str(value) for key, value in document.docinfo.items()}
            pages = len(document.pages)
    except pikepdf.PasswordError:
        raise BadFile("The PDF is locked with a password.", where=name, remedy="Save it without one.") from None
    except (pikepdf.PdfError, ValueError, RuntimeError):
        raise BadFile("The file is damaged.", where=name) from None
    kept = {
        key: told[key] for key in ("title", "author", "creator", "producer", "creationdate", "moddate") if key in told
    }
    return _bounded(kept | {"pages": pages})


def _is_active(document: pikepdf.Pdf) -> bool:
    root = document.Root
    names = root.get("/Names")
    where = [root, *([names] if isinstance(names, pikepdf.Dictionary) else [])]
    action = root.get("/OpenAction")
    if isinstance(action, pikepdf.Dictionary):
        where.append(action)
        if action.get("/S") in ("/JavaScript", "/Launch"):
            return True
    return any(key in one for one in where for key in _ACTIVE)


def _picture(name: str, content: bytes) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
        with Image.open(io.BytesIO(content)) as picture:
            exif = picture.getexif()
            told: dict[str, Any] = {"pixels": f"{picture.width}×{picture.height}"}
            for tag, key in (
                (ExifTags.Base.Make, "make"),
                (ExifTags.Base.Model, "model"),
                (ExifTags.Base.Software, "software"),
                (ExifTags.Base.Artist, "author"),
                (ExifTags.Base.DateTime, "taken"),
            ):
                if value := exif.get(tag):
                    told[key] = str(value)
            place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadFile("The file is damaged.", where=name) from None
    if place:
        told["place"] = _place(place)
    return _bounded(told)


def _place(place: dict[int, Any]) -> str:
    """Degrees north and east of a picture's place; where they cannot be read, that there is one."""
    try:
        found = []
        for value, side, back in ((2, 1, "S"), (4, 3, "W")):
            degrees, minutes, seconds = (float(part) for part in place[value])
            found.append((-1 if place.get(side) == back else 1) * (degrees + minutes / 60 + seconds / 3600))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return "?"
    return f"{found[0]:.5f}, {found[1]:.5f}"


def _office(name: str, content: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in (_CORE, _APP):
                if part not in archive.namelist() or archive.getinfo(part).file_size > _LARGEST_PART:
                    continue
                for element in ElementTree.fromstring(archive.read(part)):
                    key = element.tag.rpartition("}")[2]
                    if key in ("creator", "lastModifiedBy", "created", "modified", "Company", "Application", "title"):
                        told[key.lower()] = element.text or ""
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, ElementTree.ParseError):
        raise BadFile("The file is damaged.", where=name) from None
    return _bounded({key: value for key, value in told.items() if value})


def _bounded(told: dict[str, Any]) -> dict[str, Any]:
    """Short texts without what a database or a page could not bear."""
    return {
        key: re.sub(r"[\x00-\x1f\ud800-\udfff]", " ", value)[:_LONGEST_VALUE] if isinstance(value, str) else value
        for key, value in told.items()
    }


def plain_name(name: str) -> str:
    """A file's name without folders and without what breaks headers and pages."""
    cleaned = re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\"<>|:*?]", "", name.replace("\\", "/"))
    cleaned = PurePath(cleaned).name.strip()
    stem, ending = PurePath(cleaned).stem, PurePath(cleaned).suffix
    return f"{stem[:120]}{ending[:10]}" if stem else "file"


async def add_file(
    session: AsyncSession, viewer: Viewer, number: str, new: NewFile, looked: Looked, now: datetime
) -> int:
    """Attach a file that `look_into` has let through; returns its number."""
    if not (viewer.may("register") or viewer.may("decide")):
        viewer.require("register")
    if viewer.account_id is None:
        raise NotAllowed("Only a person works on a case.")
    if new.credit and not viewer.may("credit"):
        viewer.require("credit")
    if new.kind and new.kind not in stages().files:
        raise BadInput("There is no such kind of file.", where="kind")
    case = await find_case(session, number)
    if new.kind and case["desk_id"] != viewer.organisation_id:
        raise NotAllowed("Only the case's desk says that a file is what a step needs.", where="kind")
    digest = hashlib.sha256(new.content).hexdigest()
    there = await first(
        session,
        "SELECT count(*) AS files, bool_or(sha256 = :digest AND kind = :kind) AS same FROM case_files "
        "WHERE case_id = :case",
        digest=digest,
        kind=new.kind,
        case=case["id"],
    )
    if there and there["same"]:
        raise Conflict("The case has this file already.", where=new.name)
    if there and there["files"] >= _MOST_FILES:
        raise Conflict(f"A case takes {_MOST_FILES} files at most.")
    row = await first(
        session,
        "INSERT INTO case_files (case_id, task_id, kind, name, media_type, size, sha256, told_within, credit, actor, "
        "organisation_id, at) VALUES (:case, :task, :kind, :name, :type, :size, :digest, "
        "CAST(CAST(:told AS text) AS jsonb), :credit, :actor, :organisation, :at) RETURNING id",
        case=case["id"],
        task=new.task_id,
        kind=new.kind,
        name=plain_name(new.name),
        type=looked.media_type,
        size=len(new.content),
        digest=digest,
        told=json_text(looked.told_within),
        credit=new.credit,
        actor=viewer.actor,
        organisation=viewer.organisation_id,
        at=now,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    await (await session.connection()).execute(
        text("INSERT INTO case_file_contents (file_id, content) VALUES (:id, :content)"),
        {"id": row["id"], "content": new.content},
    )
    content = {"file": row["id"], "name": plain_name(new.name), "kind": new.kind, "sha256": digest}
    await tell(session, viewer, case["id"], "file", content, now, credit=new.credit)
    await audit(session, viewer, "case.attach", "case", number, after=content | {"size": len(new.content)})
    return int(row["id"])


async def read_file(session: AsyncSession, viewer: Viewer, number: str, file_id: int) -> Row:
    """A file with its bytes, for whoever reads the case; reading leaves a trace. Raises NotFound."""
    found = await first(
        session,
        "SELECT f.id, f.name, f.media_type, f.size, f.sha256, f.credit, b.content FROM case_files AS f "
        "JOIN case_file_contents AS b ON b.file_id = f.id JOIN cases AS c ON c.id = f.case_id "
        "WHERE f.id = :id AND c.number = :number",
        id=file_id,
        number=number,
    )
    if found is None:
        raise NotFound("There is no such file.", where="file")
    await audit(session, viewer, "case.read_file", "case", number, after={"file": file_id, "sha256": found["sha256"]})
    return found
