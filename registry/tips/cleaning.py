"""Cleaned copies of what a reporter sent: pictures, PDFs and Office files without what they tell of their making.

A cleaned copy is made anew from what is seen, or written again without its metadata; the original is never changed.
What cannot be cleaned is refused: a copy that only seems clean would be worse than none.
"""

import io
import re
import zipfile
from typing import Final

import pikepdf
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from registry.tips.cleaning_odf import is_open_document, open_document
from registry.tips.cleaning_pictures import LARGEST_UNPACKED, CannotClean, drawn_anew, drawn_in_place, refusal

# MP3, Ogg, FLAC, AMR, Matroska and WebM, MPEG, FLV, ASF (WMA, WMV), MIDI, AIFF.
_SOUND_OR_FILM: Final = (
    b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9", b"OggS", b"fLaC", b"#!AMR",
    b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01", b"\x30\x26\xb2\x75", b"MThd", b"FORM",
)  # fmt: skip
_OFFICE: Final = frozenset({"word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"})
# Parts of an Office file that tell of people, programs and devices, and that it can be read without.
_DROPPED: Final = re.compile(
    r"(docProps/.*|customXml/.*|(.*/)?(people|persons?/.*|commentAuthors|authors)\.xml|.*\.bin|.*/printerSettings/.*"
    r"|.*/thumbnail\..*|(.*/)?comments.*|.*/(threadedComments|revisions)/.*|word/(webSettings|glossary/.*)\.?.*)"
)
_NAMES: Final = re.compile(
    rb"\s(?:w|w14|w15|w16du|w16cid|x15ac|r|xr\d*):"
    rb'(rsid\w*|author|initials|date|dateUtc|paraId|textId|durableId|uid)="[^"]*"'
)
_RSIDS: Final = re.compile(rb"<w:rsids>.*?</w:rsids>", re.DOTALL)
_COMMENT_MARKS: Final = re.compile(
    rb"<w:comment(?:RangeStart|RangeEnd|Reference)\b[^>]*/>|<legacyDrawing\b[^>]*/>|<x15ac:absPath\b[^>]*/>"
    rb"|<fileSharing\b[^>]*/>|<w:attachedTemplate\b[^>]*/>"
)
_CHANGES: Final = re.compile(rb"<w:(ins|del|moveFrom|moveTo|rPrChange|pPrChange|tblPrChange|sectPrChange)\b")
_RELATION: Final = re.compile(rb"<Relationship\b[^>]*/>")
_OVERRIDE: Final = re.compile(rb"<Override\b[^>]*/>")
_TARGET: Final = re.compile(rb'(?:Target|PartName)="([^"]*)"')


def cleaned(content: bytes) -> tuple[bytes, str, str]:
    """A cleaned copy, its suffix, and in one line how it was made; CannotClean for anything not known."""
    if content.startswith(b"%PDF-"):
        return _pdf(content), ".pdf", "PDF written anew by pikepdf: pages kept, metadata, attachments and scripts gone"
    if is_sound_or_film(content):
        raise CannotClean(
            "Sound and film cannot be cleaned: they tell of devices, places and voices.",
            remedy="Hand on no copy. Play it on a machine without network and write down what is heard and seen, "
            "with the times.",
        )
    if is_open_document(content):
        copy, suffix = open_document(content)
        return copy, suffix, "OpenDocument file written anew: properties, settings, people and comments gone"
    if zipfile.is_zipfile(io.BytesIO(content)):
        copy, suffix = _office(content)
        return copy, suffix, "Office file packed anew: properties, people, comments and revision marks gone"
    return drawn_anew(content)


def is_sound_or_film(content: bytes) -> bool:
    """Whether it is one of the usual kinds of sound or film, by its first bytes."""
    if content[4:8] == b"ftyp":
        return content[8:12] not in (b"heic", b"heix", b"mif1", b"msf1", b"avif")
    return content.startswith(_SOUND_OR_FILM) or (content[:4] == b"RIFF" and content[8:12] in (b"WAVE", b"AVI "))


def _pdf(content: bytes) -> bytes:
    try:
        with pikepdf.open(io.BytesIO(content)) as original:
            if original.is_encrypted:
                raise refusal()
            made = pikepdf.new()
            made.pages.extend(original.pages)
            for page in made.pages:
                for name in ("/Annots", "/Metadata", "/PieceInfo", "/LastModified", "/AA", "/Thumb", "/B"):
                    if name in page.obj:
                        del page.obj[name]
            for thing in made.objects:
                _strip(thing)
            made.remove_unreferenced_resources()
            out = io.BytesIO()
            made.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    except pikepdf.PdfError as error:
        raise refusal() from error
    again = out.getvalue()
    with pikepdf.open(io.BytesIO(again)) as checked:
        if "/Info" in checked.trailer or "/Metadata" in checked.Root or "/Names" in checked.Root:
            raise refusal()
    return again


def _strip(thing: pikepdf.Object) -> None:
    """Take from an object what programs note in it; pictures inside keep their own points, drawn by nobody anew."""
    if not isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        return
    for name in ("/Metadata", "/PieceInfo", "/LastModified", "/JS", "/JavaScript", "/EF", "/AF"):
        if name in thing:
            del thing[name]
    if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image" and thing.get("/Filter") == "/DCTDecode":
        thing.write(_bare_jpeg(thing.read_raw_bytes()), filter=pikepdf.Name.DCTDecode)


def _bare_jpeg(content: bytes) -> bytes:
    """A JPEG without its application and comment segments but those that say how its colours are meant."""
    if not content.startswith(b"\xff\xd8"):
        return content
    kept, at = bytearray(content[:2]), 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        # 0xE0 JFIF and 0xEE Adobe say what the numbers mean; the others say who took it, with what and where.
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept += content[at : at + 2 + length]
        at += 2 + length
    return bytes(kept + content[at:])


def _office(content: bytes) -> tuple[bytes, str]:
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as original, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            names = original.namelist()
            main = next((name for name in names if name in _OFFICE), None)
            if main is None or sum(one.file_size for one in original.infolist()) > LARGEST_UNPACKED:
                raise refusal()
            if any(
                "vbaProject" in name or "/embeddings/" in name or ("/media/" in name and _odd(name)) for name in names
            ):
                raise refusal()
            dropped = {name for name in names if _DROPPED.fullmatch(name)}
            for name in names:
                if name in dropped or name.endswith("/"):
                    continue
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(entry, _office_part(name, original.read(name), dropped))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise refusal() from error
    return out.getvalue(), {"w": ".docx", "x": ".xlsx", "p": ".pptx"}[main[0]]


def _odd(name: str) -> bool:
    """Macros, files inside the file, and pictures of kinds that are not drawn anew."""
    if "vbaProject" in name or "/embeddings/" in name:
        return True
    return "/media/" in name and not name.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"))


def _office_part(name: str, content: bytes, dropped: set[str]) -> bytes:
    if "/media/" in name:
        return drawn_in_place(name, content)
    if not name.endswith((".xml", ".rels", ".vml")):
        raise refusal()
    try:
        ElementTree.fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise refusal() from error
    if name.endswith((".rels", "[Content_Types].xml")):
        gone = {one.rsplit("/", 1)[-1].encode() for one in dropped}
        pattern = _RELATION if name.endswith(".rels") else _OVERRIDE
        return pattern.sub(lambda found: b"" if _names_any(found[0], gone) else found[0], content)
    if _CHANGES.search(content):
        raise CannotClean(
            "It holds tracked changes, which name people and hold what was taken out.",
            remedy="Open the copy on a machine without network, accept all changes, save, and clean it again.",
        )
    content = _COMMENT_MARKS.sub(b"", _RSIDS.sub(b"", content))
    return _NAMES.sub(b"", content)


def _names_any(element: bytes, gone: set[bytes]) -> bool:
    target = _TARGET.search(element)
    # What lies outside would be fetched when the copy is opened.
    return b'TargetMode="External"' in element or (target is not None and target[1].rsplit(b"/", 1)[-1] in gone)
