"""Answers of the three formats as agencies really send them: broken entries, repeated keys, odd stamps, attacks."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from connectors.agency import Agency, load_agencies
from connectors.answers import Answer, read_answer
from connectors.csv_answers import read_csv_in_parts
from connectors.declaration import Limits
from connectors.errors import FeedHeld, FeedTooLarge, FeedUnreadable
from connectors.unpacking import unpack

AGENCIES = load_agencies()
LAND, ENVIRONMENT, FINANCE = AGENCIES["land"], AGENCIES["environment"], AGENCIES["finance"]
HEADER = "记录编号,报送时间,业务种类\r\n"


def land(*entries: bytes, total: int = 9) -> bytes:
    return b'{"x":[{"list":[1]}],"data":{"total":%d,"list":[' % total + b",".join(entries) + b'],"next":"n"}}'


def entry(key: str, stamp: str = "2024-03-05T10:00:00+08:00", **more: object) -> bytes:
    return orjson.dumps({"gdGuid": key, "gxSj": stamp, **more})


def reasons(answer: Answer) -> list[tuple[int, str, str]]:
    return [(one.position, one.field_name, one.reason) for one in answer.rejected]


HOSTILE = [
    (b'{"gdGuid":"a","x":"\\ud800"}', "is not JSON"),
    (b'{"gdGuid":"a","x":NaN}', "is not JSON"),
    (b'{"gdGuid":"a" "x":1}', "is not JSON"),
    (b'{"gdGuid":"a","x":"\xff\xfe"}', "is not JSON"),
    (b'{"gdGuid":"a","x":"\x01"}', "is not JSON"),
    (b'{"gdGuid":"a","x":' + b"[" * 600 + b"]" * 600 + b"}", "nested too deeply"),
    (b'{"gdGuid":"a","x":' + b"[" * 5000 + b"]" * 5000 + b"}", "is not JSON"),
    (b'{"gdGuid":"a","x":' + b'{"a":' * 300 + b"1" + b"}" * 301, "nested too deeply"),
    (b"null", "no object"),
    (b'"text, with ] and }"', "no object"),
    (b"[]", "no object"),
    (b"", "is not JSON"),
    (b'{"x":1}', "is missing"),
    (b'{"gdGuid":" "}', "is empty"),
    (b'{"gdGuid":["a"]}', "expected one value"),
    (b'{"gdGuid":"a\\u0000"}', "NUL"),
    (b'{"gdGuid":"' + b"k" * 201 + b'"}', "longer than"),
]


@pytest.mark.parametrize(("hostile", "reason"), HOSTILE)
def test_a_hostile_entry_harms_itself_alone(hostile: bytes, reason: str) -> None:
    answer = read_answer(LAND, land(entry("first"), hostile, entry("last", text='quo\\"te ]},{[')))
    assert answer.keys == ["first", "last"]
    assert answer.received == 3
    ((position, _, said),) = reasons(answer)
    assert position == 1
    assert reason in said
    # The bytes are those that came, unless the entry could be parsed: then they are in canonical form.
    assert answer.rejected[0].raw == hostile or orjson.loads(answer.rejected[0].raw) == orjson.loads(hostile)
    assert (answer.envelope("data.total"), answer.envelope("data.next"), answer.envelope("data.no.such")) == (
        9,
        "n",
        None,
    )


def test_an_entry_beyond_the_size_is_set_aside() -> None:
    small = LAND.model_copy(update={"limits": Limits(entry_bytes=1024)})
    answer = read_answer(small, land(entry("a", text="x" * 2000), entry("b")))
    assert answer.keys == ["b"]
    assert "larger than" in answer.rejected[0].reason


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>", b"[", b"{}", b'{"data":{"list":{}}}', b'{"data":[]}', b'{"data":{"list":[{"gdGuid":"a"}',
        b'{"data":{"list":[{"gdGuid":"a"}]', b"[" * 100_000, b'{"a":' * 100_000,
        b'{"data":{"list":["' + b'\\"' * 200_000,
        b"]" * 1000, b"null",
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_json_answer_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        read_answer(LAND, body)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_nothing_at_all_is_held(body: bytes) -> None:
    for agency in AGENCIES.values():
        with pytest.raises(FeedHeld):
            read_answer(agency, body)


def test_very_many_tiny_parts_are_refused() -> None:
    with pytest.raises(FeedTooLarge):
        read_answer(LAND, b'{"data":{"list":[' + b"1," * 3_100_000 + b"1]}}")


def test_of_a_repeated_key_the_newest_is_kept_whatever_the_order() -> None:
    old, new, other = entry("a", "2024-03-05T10:00:00+08:00"), entry("a", "2024-03-05T03:00:00+00:00"), entry("b")
    results = [
        read_answer(LAND, land(*order)) for order in ((old, new, other), (new, other, old), (other, new, old, new))
    ]
    assert {frozenset(zip(one.keys, one.raws, strict=True)) for one in results} == {
        frozenset({("a", new), ("b", other)})
    }
    assert [one.received for one in results] == [3, 3, 4]
    assert "1 entries repeat a key" in results[0].notes[0]


@pytest.mark.parametrize(
    ("stamps", "newest"),
    [
        (["2024-03-05T10:00:00+08:00", "2024-03-06T10:00:00+08:00"], datetime(2024, 3, 6, 2, tzinfo=UTC)),
        (["2024-03-06T01:00:00+08:00", "2024-03-05T23:00:00+00:00"], datetime(2024, 3, 5, 23, tzinfo=UTC)),
        (["2024-03-06 01:00:00", "2024-03-05T23:00:00"], datetime(2024, 3, 5, 17, tzinfo=UTC)),
        (["2024-03-06T01:00:00+08:00", "2024-93-06T01:00:00+08:00"], datetime(2024, 3, 5, 17, tzinfo=UTC)),
        (["2199-03-06T01:00:00+08:00", "2024-03-06T01:00:00+08:00"], datetime(2024, 3, 5, 17, tzinfo=UTC)),
        (["soon"], None),
    ],
)
def test_the_newest_stamp(stamps: list[str], newest: datetime | None) -> None:
    """One from the future would make every later pull ask for nothing: it does not count."""
    answer = read_answer(LAND, land(*[entry(str(number), stamp) for number, stamp in enumerate(stamps)]))
    assert answer.newest == newest
    assert bool(answer.notes) == any(stamp.startswith("2199") for stamp in stamps)


def xml(inside: str, head: str = "") -> bytes:
    return f"{head}<r><总数>1</总数><数据>{inside}</数据></r>".encode()


def test_xml_with_attributes_lists_namespaces_and_cdata() -> None:
    inside = '<记录 编号="1"><a b="c"> d </a><x>1</x><x>2</x><x>3</x><空/><甲><![CDATA[<乙>]]></甲></记录>'
    answer = read_answer(ENVIRONMENT, xml(inside).replace(b"<r>", b'<r xmlns="urn:x">'))
    assert answer.keys == ["1"]
    assert answer.entries[0] == {"@编号": "1", "a": {"@b": "c", "#": "d"}, "x": ["1", "2", "3"], "空": "", "甲": "<乙>"}
    assert answer.envelope("总数") == "1"


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        ('<记录 编号="2"><a></记录>', "is not XML"),
        ('<记录 编号="2"><a>\x01</a></记录>', "is not XML"),
        ('<记录 编号="2"><a>&nbsp;</a></记录>', "is not XML"),
        ('<记录 编号="2">' + "<a>" * 20 + "</a>" * 20 + "</记录>", "nested too deeply"),
        ("<记录>text</记录>", "no element with fields"),
        ("<记录><a>1</a></记录>", "is missing"),
    ],
)
def test_a_hostile_element_harms_itself_alone(hostile: str, reason: str) -> None:
    good = '<记录 编号="{}"><更新时间>2024-03-05 10:00:00</更新时间></记录>'
    answer = read_answer(ENVIRONMENT, xml(good.format(1) + hostile + good.format(3)))
    assert answer.keys == ["1", "3"]
    assert reason in answer.rejected[0].reason
    assert answer.rejected[0].raw


LEVELS = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
BOMB = f'<!DOCTYPE r [<!ENTITY a "ha">{LEVELS}]>'


@pytest.mark.parametrize(
    "body",
    [
        xml("&i;", BOMB),
        xml("&x;", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        xml("", '<!DOCTYPE r SYSTEM "http://evil.invalid/r.dtd">'),
        b"<r><data>",
        b"plain text",
        "<记录>".encode() * 100_000,
        b"<?xml version='1.0' encoding='no-such'?><r/>",
        b"<r>" * 200_000,
    ],
)
def test_what_is_no_xml_answer_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        read_answer(ENVIRONMENT, body)


def test_csv_rows_that_are_broken_harm_themselves_alone() -> None:
    body = HEADER.encode("gb18030") + (
        "1,2024-03-05T10:00:00,贷款\r\n".encode("gb18030")
        + b"2,\xff\xff\xff,x\r\n"
        + "3,只有两列\r\n".encode("gb18030")
        + '4,"带,逗号\r\n和换行",贷款\r\n'.encode("gb18030")
        + b'5,"a"b,x\r\n\r\n'
        + b"7,x," + b"y" * 140_000 + b"\r\n"
        + ",2024-03-05T10:00:00,贷款\r\n".encode("gb18030")
        + "9,2024-03-05T10:00:00,贷款\r\n".encode("gb18030")
    )  # fmt: skip
    answer = read_answer(FINANCE, gzip.compress(body))
    assert answer.keys == ["1", "4", "9"]
    assert answer.entries[1]["报送时间"] == "带,逗号\r\n和换行"
    assert [reason.split(":")[0] for _, _, reason in reasons(answer)] == [
        "holds bytes that are not gb18030",
        "has 2 columns; the header has 3",
        "is not CSV",
        "is not CSV",
        "is empty; it is the record's key",
    ]
    assert answer.rejected[0].raw == b"2,\xff\xff\xff,x\r\n"
    assert answer.received == 8


def test_csv_in_parts_counts_every_row() -> None:
    body = gzip.compress((HEADER + "".join(f"{n},t,贷款\r\n" for n in range(10))).encode("gb18030"))
    sizes = [len(parts.entries) for parts in read_csv_in_parts(body, FINANCE, 4)]
    assert sizes == [4, 4, 2]
    assert [len(parts.entries) for parts in read_csv_in_parts(gzip.compress(HEADER.encode("gb18030")), FINANCE, 4)] == [
        0
    ]


@pytest.mark.parametrize("header", ["a,b\r\n", "记录编号,记录编号\r\n", "记录编号,\r\n"])
def test_a_file_with_another_header_is_refused(header: str) -> None:
    with pytest.raises(FeedUnreadable, match="header"):
        read_answer(FINANCE, gzip.compress(header.encode("gb18030")))


def test_a_csv_with_byte_order_mark(tmp_path: Path) -> None:
    utf8: Agency = FINANCE.model_copy(update={"format": FINANCE.format.model_copy(update={"encoding": "utf-8-sig"})})
    answer = read_answer(utf8, gzip.compress((HEADER + "1,t,贷款\r\n").encode("utf-8-sig")))
    assert answer.keys == ["1"]


def test_unpacking_ends_at_its_cap() -> None:
    assert unpack(gzip.compress(b"a" * 1000), 1000) == b"a" * 1000
    assert unpack(gzip.compress(b"a") + b"\0" * 512 + gzip.compress(b"b"), 10) == b"ab"
    assert unpack(b"", 10) == b""
    with pytest.raises(FeedTooLarge):
        unpack(gzip.compress(bytes(10_000_000)), 1_000_000)
    with pytest.raises(FeedHeld, match="breaks off"):
        unpack(gzip.compress(b"a" * 100_000)[:-20], 10**6)
    with pytest.raises(FeedUnreadable):
        unpack(b"plain", 10)
    assert unpack(gzip.compress(b"") * 20_000, 10) == b""
