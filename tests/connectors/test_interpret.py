"""The compiled mapping: units, dates, categories, identifiers, what is unknown; and that nothing else can come out."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.agency import Agency, load_agencies, load_agency
from connectors.answers import finish
from connectors.errors import RecordRejected
from connectors.interpret import canonical, interpret
from connectors.parts import Parts
from registry.record_fields import RECORD_FIELDS

AGENCIES = load_agencies()
LAND = AGENCIES["land"]
LEAST: dict[str, Any] = {
    "gdGuid": "TD-1",
    "gxSj": "2024-03-05T10:00:00+08:00",
    "ywLx": "土地供应",
    "qdRq": "2024-02-29",
}


def read(agency: Agency = LAND, **more: Any) -> dict[str, Any]:
    """The row of an entry with these fields, by name."""
    entry = {**LEAST, **more}
    return dict(zip(RECORD_FIELDS, interpret(agency, entry, canonical(entry)), strict=True))


def refusal(**more: Any) -> RecordRejected:
    with pytest.raises(RecordRejected) as caught:
        read(**more)
    return caught.value


def test_a_row_has_the_types_of_the_register() -> None:
    row = read(mj=30.5, cjJg="12,345.67", crNx=50, yxqZ="2074-02-28", sfYs="是", xzqDm=130202)
    assert row["source_modified"] == datetime(2024, 3, 5, 2, tzinfo=UTC)
    assert row["acted_on"] == date(2024, 2, 29)
    assert row["area_hectares"] == Decimal("30.5")
    assert row["amount"] == Decimal("123456700")
    assert row["months"] == 600
    assert row["region"] == "130202"
    assert row["synthetic"] is True
    assert row["details"] is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("qdRq", "2024-02-30", "not an ISO date"),
        ("qdRq", None, "is missing"),
        ("qdRq", "  ", "not an ISO date"),
        ("qdRq", ["2024-02-29"], "expected one value"),
        ("ywLx", "征收", "unknown value '征收'"),
        ("gyFs", "赠与", "unknown value"),
        ("gxSj", "yesterday", "not an ISO time"),
        ("gxSj", "0001-01-01T00:00:00+08:00", "out of all range"),
        ("mj", "约三十公顷", "not a number"),
        ("mj", "NaN", "not a number"),
        ("mj", "1_000", "not a number"),
        ("mj", True, "not a number"),
        ("cjJg", "9" * 20, "too large"),
        ("cjJg", "1e999", "not a number"),
        ("crNx", 0.1, "not a whole number"),
        ("crNx", 10**9, "not a whole number that fits"),
        ("srDw", {"a": 1}, "expected one value"),
        ("srDw", "甲" * 601, "longer than 600"),
        ("srDw", "甲\0乙", "NUL"),
        ("fjXx", {"x": ["a", "b\0"]}, "NUL"),
        ("fjXx", [1], "not an object"),
        ("xinZiduan", {"a": {"b\0": 1}}, "NUL"),
        ("niCn", [{"cpMc": "焦炭", "cn": "1", "dw": "万吨/年"}], "unknown product"),
        ("niCn", [{"cpMc": "粗钢", "cn": "1", "dw": "斤"}], "unknown unit"),
        ("niCn", [{"cpMc": "粗钢", "cn": "-1", "dw": "万吨/年"}], "below zero"),
        ("niCn", "粗钢", "not a list"),
    ],
)
def test_a_bad_value_rejects_its_record_and_names_the_field(field: str, value: Any, reason: str) -> None:
    caught = refusal(**{field: value})
    assert caught.field_name == field
    assert reason in caught.reason
    assert "\0" not in str(caught)


def test_text_that_only_looks_like_nul_is_kept() -> None:
    assert read(srDw="甲\\u0000乙")["party_name"] == "甲\\u0000乙"


def test_identifiers_get_their_normal_form_or_are_kept_beside() -> None:
    row = read(
        xmDm="２５０９３２０１９３８９０１５４４０６０",
        tyDm="看不清",
        xzqDm="1302",
        dzBaBh="1302022013b00123",
        hyFl="C3120",
        hyBb="2017",
    )
    assert row["project_code"] == "2509-320193-89-01-544060"
    assert row["party_uscc"] is None
    assert row["region"] == "130200"
    assert row["number"] == "1302022013B00123"
    assert (row["industry"], row["industry_edition"]) == ("3120", "2017")
    assert row["details"] == {"unreadable": {"party_uscc": "看不清"}, "warnings": {"region": ["region-padded"]}}


def test_a_number_of_another_shape_is_kept_with_a_warning() -> None:
    row = read(dzBaBh="冀（2014）出让字第7号")
    assert row["number"] == "冀（2014）出让字第7号"
    assert row["details"] == {"warnings": {"number": ["supervision-number-shape"]}}
    assert read(ywLx="用地预审", dzBaBh="冀自然资预审〔2024〕3号")["details"] is None


def test_an_organisation_code_is_no_uscc_but_is_kept() -> None:
    row = read(tyDm="69922961-7")
    assert row["party_uscc"] is None
    assert row["details"]["organisation_code"] == "699229617"


def test_an_unknown_industry_never_costs_the_record() -> None:
    row = read(hyFl="炼钢", hyBb="2017")
    assert (row["industry"], row["industry_edition"]) == (None, None)
    assert row["details"]["unreadable"]["industry"] == "炼钢 (2017)"


def test_a_new_field_does_not_stop_the_feed() -> None:
    entry = {**LEAST, "xin": "1", "gengXin": None}
    assert read(xin="1", gengXin=None)["details"] == {"unmapped": {"xin": "1"}}
    answer = finish(LAND, Parts([0], [entry], [canonical(entry)], [], lambda _: None))
    assert answer.notes == ["fields that agency.yml does not know, kept in details.unmapped: 'gengXin' (1), 'xin' (1)"]


CUSTOM = """\
id: custom
names: {zh: 示例, en: Sample}
authority: mnr
lanes: [credit]
address: https://sample.invalid
format: {kind: json, entries: list}
time_zone: Asia/Shanghai
absent: ["无", "-"]
fields:
  id.a: source_key
  id.b: source_key
  t: {to: source_modified, formats: epoch_milliseconds}
  day: {to: [acted_on, details.day], formats: ["%d/%m/%Y", "%Y.%m.%d"]}
  sum: {to: amount, unit: 亿元}
  land: {to: area_hectares, unit: 亩}
  use: {to: kind, categories: {建设: construction}, otherwise: other}
  rate: {to: details.rate, type: number}
  who.name: party_name
  who.code: party_uscc
constants: {act: loan, authority: 示例银行, details.channel: file}
schedule: "0 2 * * *"
"""


@pytest.fixture
def custom(tmp_path: Path) -> Agency:
    (tmp_path / "custom").mkdir()
    (tmp_path / "custom" / "agency.yml").write_text(CUSTOM, "utf-8")
    return load_agency(tmp_path / "custom")


def test_inner_fields_keys_of_parts_formats_units_and_constants(custom: Agency) -> None:
    entry = {
        "id": {"a": 7, "b": "x"}, "t": 1709604000000, "day": "29/02/2024", "sum": "1.5", "land": 15, "use": "别的",
        "rate": "4.35", "who": {"name": "示例甲", "code": "无", "tel": "1"}, "else": "-",
    }  # fmt: skip
    row = dict(zip(RECORD_FIELDS, custom.interpreter(entry, canonical(entry)), strict=True))
    assert {name: value for name, value in row.items() if value is not None} == {
        "source_key": "7/x",
        "source_modified": datetime(2024, 3, 5, 2, tzinfo=UTC),
        "act": "loan",
        "acted_on": date(2024, 2, 29),
        "party_name": "示例甲",
        "kind": "other",
        "authority": "示例银行",
        "amount": Decimal("150000000"),
        "area_hectares": Decimal(1),
        "details": {"channel": "file", "day": "29/02/2024", "rate": "4.35", "unmapped": {"who.tel": "1"}},
        "synthetic": False,
    }
    answer = finish(custom, Parts([0], [entry], [canonical(entry)], [], lambda _: None))
    assert (answer.keys, answer.newest) == (["7/x"], datetime(2024, 3, 5, 2, tzinfo=UTC))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NEARLY = {
    "gxSj": st.sampled_from(["2024-03-05T10:00:00+08:00", "2024-03-05", "20240305", "2024-13-05T10:00:00"]),
    "ywLx": st.sampled_from(["土地供应", "用地预审", "土地供应 ", "x"]),
    "qdRq": st.dates().map(str) | st.datetimes().map(str) | st.just("2024-02-30"),
    "mj": st.decimals(allow_nan=True).map(str) | st.floats(allow_nan=False),
    "niCn": st.lists(
        st.fixed_dictionaries({"cpMc": st.just("粗钢"), "cn": JSON, "dw": st.just("万吨/年")}), max_size=2
    ),
    "fjXx": st.dictionaries(st.text(max_size=5), JSON, max_size=3),
}


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Entries that are nearly right, or not at all."""
    entry: dict[str, Any] = dict(LEAST)
    for name in draw(st.sets(st.sampled_from(sorted(LAND.known_fields)))):
        entry[name] = draw(NEARLY.get(name, JSON) | JSON)
    entry.update(draw(st.dictionaries(st.text(max_size=5), JSON, max_size=2)))
    return entry


def storable(name: str, value: object) -> bool:
    kinds: Mapping[str, type | tuple[type, ...]] = {
        "text": str, "date": date, "timestamptz": datetime, "numeric": Decimal, "integer": int, "boolean": bool,
        "jsonb": (list, dict),
    }  # fmt: skip
    if value is None:
        return name not in ("source_key", "act", "acted_on", "synthetic")
    kind = RECORD_FIELDS[name]
    if not isinstance(value, kinds[kind]) or (isinstance(value, str) and "\0" in value):
        return False
    if isinstance(value, datetime):
        return bool(value.tzinfo)
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value) < Decimal(10) ** 25
    return kind != "jsonb" or b"\\u0000" not in orjson.dumps(value).replace(b"\\\\", b"")


@settings(max_examples=200, deadline=None)
@given(entry=entries())
def test_nothing_comes_out_but_a_storable_row_or_a_rejection(entry: dict[str, Any]) -> None:
    try:
        raw = canonical(entry)
    except (TypeError, orjson.JSONEncodeError):
        return
    entry = orjson.loads(raw)
    try:
        row = interpret(LAND, entry, raw)
    except RecordRejected as error:
        assert "\0" not in error.field_name + error.reason
        return
    assert len(row) == len(RECORD_FIELDS)
    assert [name for name, value in zip(RECORD_FIELDS, row, strict=True) if not storable(name, value)] == []


def test_a_bad_entry_among_others_is_rejected_alone() -> None:
    good = {**LEAST, "mj": 1, "hyFl": "3120", "hyBb": "2017"}
    page = [good, {**good, "qdRq": "2024-02-30"}, {**good, "mj": 1.0}, {**good, "mj": "x", "ywLx": "征收"}, LEAST]
    raws = [canonical(entry) for entry in page]
    first, bad, third, worse, last = LAND.page_interpreter(page, raws)
    assert [first, third, last] == [interpret(LAND, page[at], raws[at]) for at in (0, 2, 4)]
    assert isinstance(bad, RecordRejected)
    assert bad.field_name == "qdRq"
    # Of two bad fields the first of the entry is named, whatever order the mapping has.
    assert isinstance(worse, RecordRejected)
    assert worse.field_name == "ywLx"


@settings(max_examples=100, deadline=None)
@given(page=st.lists(entries(), max_size=5))
def test_an_entry_is_read_alike_alone_and_among_others(page: list[dict[str, Any]]) -> None:
    def outcome(found: object) -> object:
        return (found.field_name, found.reason) if isinstance(found, RecordRejected) else found

    try:
        raws = [canonical(entry) for entry in page]
    except (TypeError, orjson.JSONEncodeError):
        return
    page = [orjson.loads(raw) for raw in raws]
    alone = [LAND.page_interpreter([entry], [raw])[0] for entry, raw in zip(page, raws, strict=True)]
    assert [outcome(one) for one in LAND.page_interpreter(page, raws)] == [outcome(one) for one in alone]
