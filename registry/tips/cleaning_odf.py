"""Cleaned copies of OpenDocument files (text, spreadsheet, presentation): what is read and seen, not who made it.

What is not content, styles or pictures stays behind; what remains is parsed, freed of all that names people, times,
programs and other files, and written again. Macros, embedded objects, tracked changes and encryption are refused.
"""

import io
import zipfile
from typing import Any, Final
from xml.etree.ElementTree import Element, register_namespace, tostring

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from registry.tips.cleaning_pictures import LARGEST_UNPACKED, CannotClean, drawn_in_place, refusal

_SUFFIXES: Final = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
    b"application/vnd.oasis.opendocument.presentation": ".odp",
}
_KEPT: Final = ("content.xml", "styles.xml")
# Folders and files that the document can be read without.
_DROPPED: Final = (
    "meta.xml", "settings.xml", "manifest.rdf", "layout-cache", "current.xml", "META-INF/", "Thumbnails/",
    "Configurations2/", "Fonts/", "mimetype",
)  # fmt: skip
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES: Final = {
    **{
        prefix: f"{_OASIS}{name}:1.0"
        for prefix, name in {
            "office": "office", "style": "style", "text": "text", "table": "table", "draw": "drawing",
            "number": "datastyle", "svg": "svg-compatible", "fo": "xsl-fo-compatible", "chart": "chart",
            "dr3d": "dr3d", "form": "form", "script": "script", "meta": "meta", "presentation": "presentation",
            "anim": "animation", "smil": "smil-compatible", "manifest": "manifest",
        }.items()
    },
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
    "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    "loext": "urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0",
    "math": "http://www.w3.org/1998/Math/MathML",
}  # fmt: skip
# Formulas name these in their text, where no parser sees them.
_OF_FORMULAS: Final = {
    "of": f"{_OASIS}of:1.2",
    "ooow": "http://openoffice.org/2004/writer",
    "oooc": "http://openoffice.org/2004/calc",
}
_PEOPLE_AND_TIMES: Final = frozenset(
    {_NAMESPACES["dc"], _NAMESPACES["meta"], _NAMESPACES["script"], _NAMESPACES["form"]}
)
# Elements that go with all that is in them, by their local name.
_THINGS_GONE: Final = """
    annotation annotation-end scripts forms event-listeners dde-connection-decls dde-links dde-source applet plugin
    floating-frame cell-range-source table-source database-source-sql database-source-query database-source-table
"""
_FIELDS_GONE: Final = """
    author-name author-initials initial-creator creator printed-by print-date print-time creation-date creation-time
    modification-date modification-time editing-duration editing-cycles file-name template-name user-defined
    sender-firstname sender-lastname sender-initials sender-title sender-position sender-email sender-phone-private
    sender-fax sender-company sender-phone-work sender-street sender-city sender-postal-code sender-country
    sender-state-or-province
"""
_GONE: Final = frozenset(f"{_THINGS_GONE} {_FIELDS_GONE}".split())
_REFUSED: Final = frozenset({"object", "object-ole", "binary-data"})
_CHANGES: Final = frozenset({"changed-region", "tracked-changes"})
# Revision numbers and what else LibreOffice notes of its sessions.
_OF_SESSIONS: Final = "http://openoffice.org/2009/office"
_HREF: Final = f"{{{_NAMESPACES['xlink']}}}href"
_MANIFEST: Final = _NAMESPACES["manifest"]


def is_open_document(content: bytes) -> bool:
    """Whether a packed file says that it is one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return packed.getinfo("mimetype").file_size < 200 and packed.read("mimetype").strip() in _SUFFIXES
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError, ValueError):
        return False


def open_document(content: bytes) -> tuple[bytes, str]:
    """A cleaned copy and its suffix; CannotClean where it holds what cannot be cleaned."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as original, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            kind = original.read("mimetype").strip()
            names = [name for name in original.namelist() if not name.endswith("/")]
            if sum(one.file_size for one in original.infolist()) > LARGEST_UNPACKED or len(names) != len(set(names)):
                raise refusal()
            if "META-INF/manifest.xml" in names and b"encryption-data" in original.read("META-INF/manifest.xml"):
                raise refusal()
            kept = [name for name in names if not name.startswith(_DROPPED)]
            if "content.xml" not in kept or any(name not in _KEPT and not _is_picture(name) for name in kept):
                raise refusal()
            _put(made, "mimetype", kind, zipfile.ZIP_STORED)
            for name in kept:
                part = original.read(name)
                _put(made, name, drawn_in_place(name, part) if _is_picture(name) else _without_people(part))
            _put(made, "META-INF/manifest.xml", _manifest(kind.decode(), kept))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, KeyError) as error:
        raise refusal() from error
    return out.getvalue(), _SUFFIXES[kind]


def _is_picture(name: str) -> bool:
    return name.startswith("Pictures/") and name.count("/") == 1


def _put(made: zipfile.ZipFile, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = how
    made.writestr(entry, content)


def _without_people(content: bytes) -> bytes:
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise refusal() from error
    _clean(root)
    for prefix, uri in _OF_FORMULAS.items():
        root.set(f"xmlns:{prefix}", uri)
    return _written(root)


def _clean(element: Element) -> None:
    """An element and what is in it, deepest last; comments and instructions were left out by the parser."""
    waiting = [element]
    while waiting:
        one = waiting.pop()
        for name in [name for name in one.attrib if name.startswith(f"{{{_OF_SESSIONS}}}")]:
            del one.attrib[name]
        # What lies outside the file would be fetched when the copy is opened, or names where it came from.
        if not one.get(_HREF, "#").startswith(("#", "Pictures/")):
            one.set(_HREF, "#")
        before: Element | None = None
        for child in list(one):
            namespace, _brace, local = str(child.tag).removeprefix("{").rpartition("}")
            if local in _CHANGES and (local == "changed-region" or len(child)):
                raise CannotClean(
                    "It holds tracked changes, which name people and hold what was taken out.",
                    remedy="Open the copy on a machine without network, accept all changes, save, and clean it again.",
                )
            if local in _REFUSED:
                raise refusal()
            if local in _GONE or namespace in _PEOPLE_AND_TIMES:
                _take_out(one, child, before)
                continue
            before = child
            waiting.append(child)


def _take_out(parent: Element, child: Element, before: Element | None) -> None:
    """Remove a child and keep the words that follow it."""
    if child.tail:
        if before is None:
            parent.text = (parent.text or "") + child.tail
        else:
            before.tail = (before.tail or "") + child.tail
    parent.remove(child)


def _manifest(kind: str, names: list[str]) -> bytes:
    root = Element(f"{{{_MANIFEST}}}manifest", {f"{{{_MANIFEST}}}version": "1.3"})
    for path in ["/", *names]:
        media = kind if path == "/" else "text/xml" if path.endswith(".xml") else ""
        entry = Element(f"{{{_MANIFEST}}}file-entry")
        entry.set(f"{{{_MANIFEST}}}full-path", path)
        entry.set(f"{{{_MANIFEST}}}media-type", media)
        root.append(entry)
    return _written(root)


def _written(root: Element) -> bytes:
    for prefix, uri in _NAMESPACES.items():
        register_namespace(prefix, uri)
    written: Any = tostring(root, encoding="UTF-8", xml_declaration=True)
    try:
        ElementTree.fromstring(written, forbid_dtd=True)
    except ElementTree.ParseError as error:
        raise refusal() from error
    return bytes(written)
