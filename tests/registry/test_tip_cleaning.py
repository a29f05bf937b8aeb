"""Cleaned copies hold nothing of who made the original, with what and where; what cannot be cleaned is refused."""

import io
import zipfile

import pikepdf
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from registry.tips.cleaning import cleaned
from registry.tips.cleaning_pictures import CannotClean

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


_ODF = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in zip(
        ("office", "text", "style", "table", "draw"), ("office", "text", "style", "table", "drawing"), strict=True
    )
)
_ODF += (
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:officeooo="http://openoffice.org/2009/office"'
)


def _odf(kind: str) -> bytes:
    remark = f"<office:annotation><dc:creator>{SECRET}</dc:creator><text:p>TGSECRET</text:p></office:annotation>"
    picture = '<draw:image xlink:href="Pictures/1.jpg"/><draw:image xlink:href="file:///home/TGSECRET/2.jpg"/>'
    cell = '<table:table-cell table:formula="of:=SUM([.A1:.A2])"/>' if kind == "spreadsheet" else ""
    words = f"夜里{remark}打桩<text:author-name>TGSECRET</text:author-name>。"
    parts: dict[str, str | bytes] = {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": f"<office:document-content {_ODF}><!-- TGSECRET --><office:scripts><text:p>TGSECRET</text:p>"
        '</office:scripts><style:text-properties officeooo:rsid="TGSECRET"/>'
        f"<office:body>{cell}<text:p>{words}</text:p>{picture}</office:body></office:document-content>",
        "styles.xml": f"<office:document-styles {_ODF}><dc:date>TGSECRET</dc:date></office:document-styles>",
        "meta.xml": f"<m>{SECRET}</m>",
        "settings.xml": "<s>TGSECRET printer</s>",
        "Thumbnails/thumbnail.png": _png(),
        "Pictures/1.jpg": _jpeg(),
        "META-INF/manifest.xml": "<manifest>TGSECRET</manifest>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def _odt() -> bytes:
    return _odf("text")


def _ods() -> bytes:
    return _odf("spreadsheet")


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


@pytest.mark.parametrize("make", [_jpeg, _png, _pdf, _docx, _odt, _ods])
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
    if suffix in (".odt", ".ods"):
        with zipfile.ZipFile(io.BytesIO(again)) as packed:
            first = packed.infolist()[0]
            assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
            assert sorted(packed.namelist()) == [
                "META-INF/manifest.xml", "Pictures/1.jpg", "content.xml", "mimetype", "styles.xml",
            ]  # fmt: skip
            said = packed.read("content.xml").decode()
            assert "夜里打桩。" in said and "Pictures/1.jpg" in said
            # A formula finds the namespace that it names.
            assert ('"of:=SUM' in said) == (suffix == ".ods") and 'xmlns:of="' in said
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
    packed_odf = {}
    for name, part in (
        ("Basic/script.xml", "<x/>"),
        ("Object 1/content.xml", "<x/>"),
        ("content.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("content.xml", "<t:tracked-changes xmlns:t='t'><t:changed-region/></t:tracked-changes>"),
    ):
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(_odt())) as original, zipfile.ZipFile(changed, "w") as made:
            for one in original.namelist():
                if one != name:
                    made.writestr(one, original.read(one))
            made.writestr(name, f"<a>{part}</a>" if "changed-region" in part else part)
        packed_odf[part + name] = changed.getvalue()
    for sound in (b"ID3\x04", b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0WAVEfmt ", b"OggS\0"):
        with pytest.raises(CannotClean, match="Sound and film") as refused:
            cleaned(sound + bytes(64))
        assert "write down" in refused.value.remedy
    for content in (
        b"",
        b"plain text",
        *packed_odf.values(),
        b"%PDF-1.7 broken",
        _jpeg()[:200],
        *(one.getvalue() for one in (packed, macros, bomb)),
    ):
        with pytest.raises(CannotClean):
            cleaned(content)
