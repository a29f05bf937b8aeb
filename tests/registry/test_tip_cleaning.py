"""Cleaned copies hold nothing of who made the original, with what and where; what cannot be cleaned is refused."""

import io
import zipfile

import pikepdf
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from registry.tips.cleaning import CannotClean, cleaned

SECRET = "TGSECRET王示例"
_MARKS = (SECRET.encode(), SECRET.encode("utf-16-be"), SECRET.encode("utf-16-le"), b"TGSECRET")


def _jpeg() -> bytes:
    picture = Image.new("RGB", (40, 30), (200, 10, 10))
    exif = Image.Exif()
    exif[0x010F] = "TGSECRET camera"
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 0.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, comment=b"TGSECRET")
    return out.getvalue()


def _png() -> bytes:
    notes = PngInfo()
    notes.add_text("Author", "TGSECRET")
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "PNG", pnginfo=notes)
    return out.getvalue()


def _pdf() -> bytes:
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 200))
    made.docinfo["/Author"] = SECRET
    with made.open_metadata() as metadata:
        metadata["dc:creator"] = [SECRET]
    made.attachments["TGSECRET.txt"] = b"TGSECRET"
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="TGSECRET")
    inside = pikepdf.Stream(made, _jpeg())
    inside.Subtype, inside.Filter = pikepdf.Name.Image, pikepdf.Name.DCTDecode
    made.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=inside))
    made.pages[0].Contents = pikepdf.Stream(made, b"/P Do")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _docx() -> bytes:
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": '<Types><Override PartName="/word/comments.xml"/>'
        '<Override PartName="/docProps/core.xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="1" Target="word/document.xml"/>'
        '<Relationship Id="2" Target="docProps/core.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="1" '
        'Target="comments.xml"/><Relationship Id="2" Target="media/image1.jpg"/><Relationship Id="3" '
        'Target="http://TGSECRET/" TargetMode="External"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:p w:rsidR="TGSECRET"><w:commentRangeStart w:id="0"/>'
        '<w:r><w:t>夜里打桩</w:t></w:r><w:commentRangeEnd w:id="0"/></w:p></w:document>',
        "word/comments.xml": f'<w:comments xmlns:w="{_WORD}"><w:comment w:author="{SECRET}"/></w:comments>',
        "docProps/core.xml": f"<c><creator>{SECRET}</creator></c>",
        "docProps/thumbnail.jpeg": _jpeg(),
        "word/media/image1.jpg": _jpeg(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def _unpacked(content: bytes) -> bytes:
    """Everything a copy holds, unpacked."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return b"".join(name.encode() + packed.read(name) for name in packed.namelist())
    if content.startswith(b"%PDF-"):
        with pikepdf.open(io.BytesIO(content)) as opened:
            out = io.BytesIO()
            opened.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.generalized, compress_streams=False)
            return out.getvalue()
    return content


@pytest.mark.parametrize("make", [_jpeg, _png, _pdf, _docx])
def test_nothing_of_its_making_is_left(make: object) -> None:
    original = make()  # type: ignore[operator]  # one of the makers above
    assert any(mark in _unpacked(original) for mark in _MARKS)
    copy, _suffix, _how = cleaned(original)
    assert not any(mark in _unpacked(copy) for mark in _MARKS)
    # Cleaning what is clean is possible, and what is seen is still there.
    again, suffix, _how = cleaned(copy)
    if suffix == ".jpg":
        with Image.open(io.BytesIO(again)) as picture:
            assert picture.size == (30, 40)
    if suffix == ".docx":
        with zipfile.ZipFile(io.BytesIO(again)) as packed:
            assert {"word/document.xml", "word/media/image1.jpg"} <= set(packed.namelist())
            assert "夜里打桩" in packed.read("word/document.xml").decode()
            relations = packed.read("word/_rels/document.xml.rels").decode()
            assert "media/image1.jpg" in relations and "comments.xml" not in relations
    if suffix == ".pdf":
        with pikepdf.open(io.BytesIO(again)) as opened:
            assert len(opened.pages) == 1 and "/P" in opened.pages[0].Resources.XObject


def test_what_cannot_be_cleaned_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("word/document.xml", '<w:document xmlns:w="w"><w:ins w:author="TGSECRET"/></w:document>')
        made.writestr("[Content_Types].xml", "<Types/>")
    macros = io.BytesIO()
    with zipfile.ZipFile(macros, "w") as made:
        made.writestr("xl/workbook.xml", "<w/>")
        made.writestr("xl/vbaProject.bin", b"x")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w") as made:
        made.writestr("ppt/presentation.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    for content in (
        b"",
        b"plain text",
        b"%PDF-1.7 broken",
        _jpeg()[:200],
        *(one.getvalue() for one in (packed, macros, bomb)),
    ):
        with pytest.raises(CannotClean):
            cleaned(content)
