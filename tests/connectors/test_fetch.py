"""Every paging, authentication and format against the played agencies: all, only the new, the rest after a break."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.agency import Agency
from connectors.cases import plain_row
from connectors.errors import CheckpointExpired, FeedRefused
from connectors.fetch import fetch
from connectors.interpret import canonical
from deploy.agencies import Players, played
from registry.errors import BadSetting
from tests.connectors.conftest import ACTS, enter, keys_of, record, rows_of

EVERY = pytest.mark.parametrize("name", list(ACTS))


@EVERY
def test_a_feed_arrives_whole_and_in_order(agencies: dict[str, Agency], players: Players, name: str) -> None:
    pages = list(fetch(agencies[name]))
    assert keys_of(pages) == [f"K{number:04d}" for number in range(130)]
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {page.claimed_total for page in pages} == {130}
    assert all(len(page.keys) <= 20 for page in pages)
    assert sum(page.received_bytes for page in pages) > 0
    assert max(page.newest for page in pages if page.newest) == datetime(2024, 4, 5, 6, tzinfo=UTC) - timedelta(hours=8)
    assert [page.rejected for page in pages if page.rejected] == []
    assert [page.notes for page in pages if page.notes] == []


FULL: dict[str, dict[str, Any]] = {
    "land": {
        "number": "1302022024B00123", "kind": "granted", "authority": "示例市自然资源局", "amount": "123456700.5",
        "area_hectares": "30.5017", "months": 600, "expires": "2074-02-28", "revoked": "2024-05-01",
    },
    "environment": {
        "number": "唐示环审〔2024〕7号", "kind": "report", "authority": "示例市生态环境局", "amount": "123456700.5",
        "area_hectares": "30.5017", "months": 35, "expires": "2074-02-28", "revoked": "2024-05-01",
    },
    "finance": {
        "number": "示银固贷字2024000001", "kind": "construction", "authority": "示例银行", "amount": "123456700.5",
        "area_hectares": "30.5017", "months": 35, "expires": "2074-02-28", "revoked": "2024-05-01",
    },
}  # fmt: skip


@EVERY
def test_what_was_reported_is_what_is_read(
    agencies: dict[str, Agency], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every field of a canonical record comes back from the agency's own words, with units and dates."""
    told = record(
        1,
        ACTS[name],
        **FULL[name],
        project_code="2509-320193-89-01-544060",
        address="示例路1号，“甲”座 <1> & 2",
        stated_capacity=[
            {"product": "crude_steel", "amount": "1200000", "unit": "t/a"},
            {"product": "flat_glass", "amount": "5500000", "unit": "weight_case/a"},
            {"product": "aluminium", "amount": "100000", "unit": "t/a", "process": "pre-baked pots"},
            {"product": "ships", "amount": "100000", "unit": "dwt/a", "process": "船台"},
        ],
        details={"demonstration": "synthetic", "其他": "甲\n乙", "count": 3},
    )
    with played({name: [told]}) as running:
        enter(running, monkeypatch)
        (row,) = rows_of(agencies[name], list(fetch(agencies[name]))).values()
    assert plain_row(row) == told
    assert row[15] == Decimal("123456700.5")


@EVERY
def test_only_what_is_new_is_asked_for(agencies: dict[str, Agency], players: Players, name: str) -> None:
    """From the watermark less the overlap of an hour: of six-hourly records the one at the watermark comes again."""
    watermark = datetime(2024, 4, 3, 0, tzinfo=UTC) - timedelta(hours=8)
    pages = list(fetch(agencies[name], watermark=watermark))
    expected = [f"K{number:04d}" for number in range(120, 130)]
    # Finance publishes whole months: the file that holds something new comes whole.
    assert keys_of(pages) == ([f"K{n:04d}" for n in range(112, 130)] if name == "finance" else expected)
    assert pages[-1].last


@EVERY
def test_what_is_published_later_arrives_later(agencies: dict[str, Agency], players: Players, name: str) -> None:
    newest = max(page.newest for page in fetch(agencies[name]) if page.newest)
    changed = record(140, ACTS[name], source_key="K0003", address="改址")
    players.feed(name).keep_for_later([record(139, ACTS[name]), changed])
    assert players.feed(name).publish_later() == 2
    keys = keys_of(list(fetch(agencies[name], watermark=newest)))
    assert keys[-2:] == ["K0139", "K0003"]
    assert len(keys) <= 20


@EVERY
def test_an_empty_incremental_answer_is_whole(agencies: dict[str, Agency], players: Players, name: str) -> None:
    pages = list(fetch(agencies[name], watermark=datetime(2024, 12, 1, tzinfo=UTC)))
    assert [(page.keys, page.last, page.claimed_total) for page in pages] == [([], True, 0)]


@EVERY
def test_every_checkpoint_resumes_to_exactly_the_rest(agencies: dict[str, Agency], players: Players, name: str) -> None:
    agency = agencies[name]
    pages = list(fetch(agency))
    assert len(pages) >= 7
    for number, page in enumerate(pages):
        checkpoint = json.loads(json.dumps(page.checkpoint))
        # The watermark of a resumed run is ignored: the run goes on from the instant it began with.
        rest = list(fetch(agency, checkpoint=checkpoint, watermark=datetime(2024, 12, 1, tzinfo=UTC)))
        assert keys_of(rest) == keys_of(pages[number + 1 :])
        assert [one.raws for one in rest] == [one.raws for one in pages[number + 1 :]]
        assert not rest or rest[-1].last


def test_a_changed_file_is_read_anew(agencies: dict[str, Agency], players: Players) -> None:
    agency = agencies["finance"]
    second = list(fetch(agency))[1]
    players.feed("finance").publish([record(5, "loan", address="改址")])
    keys = keys_of(list(fetch(agency, checkpoint=second.checkpoint)))
    assert keys == [f"K{number:04d}" for number in range(130)]


def test_raws_do_not_depend_on_the_order_of_fields(agencies: dict[str, Agency], players: Players) -> None:
    first = list(fetch(agencies["land"]))
    assert [raw for page in first for raw in page.raws] == [
        raw for page in fetch(agencies["land"]) for raw in page.raws
    ]
    entry = dict(reversed(list(first[0].entries[0].items())))
    assert canonical(entry) == first[0].raws[0]


def test_an_expired_token_is_renewed(agencies: dict[str, Agency], players: Players) -> None:
    """Refused in the middle of a pull, though its stated life was not over."""
    feed = players.feed("environment")
    pages = fetch(agencies["environment"])
    seen = [next(pages), next(pages)]
    feed.expire_tokens()
    seen += pages
    assert len(keys_of(seen)) == 130
    assert sum(asked.path.endswith("token") for asked in feed.asked) == 2


def test_a_token_is_renewed_before_it_dies(agencies: dict[str, Agency], players: Players) -> None:
    feed = players.feed("environment")
    feed.token_seconds, feed.token_said_seconds = 30.0, 0.0
    assert len(keys_of(list(fetch(agencies["environment"])))) == 130
    assert sum(asked.path.endswith("token") for asked in feed.asked) == 7


@EVERY
def test_a_wrong_credential_is_refused_without_being_told(
    agencies: dict[str, Agency], players: Players, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = agencies[name].authentication.secret or ""
    monkeypatch.setenv(variable, "wrong-secret-9431")
    with pytest.raises(FeedRefused) as caught:
        list(fetch(agencies[name]))
    assert variable in caught.value.remedy
    assert "9431" not in str(caught.value)
    assert len(players.feed(name).asked) == 1


@EVERY
def test_a_missing_variable_is_named(
    agencies: dict[str, Agency], players: Players, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = agencies[name].authentication.secret or ""
    monkeypatch.delenv(variable)
    with pytest.raises(BadSetting, match=variable):
        list(fetch(agencies[name]))


def test_a_cursor_that_the_agency_forgot(agencies: dict[str, Agency], players: Players) -> None:
    checkpoint = {"since": None, "cursor": "bm8=", "received": 20, "pages": 1}
    with pytest.raises(CheckpointExpired):
        list(fetch(agencies["land"], checkpoint=checkpoint))


def test_one_answer_without_paging(agencies: dict[str, Agency], players: Players) -> None:
    land = agencies["land"]
    whole = land.model_copy(
        update={
            "paging": land.paging.model_copy(update={"kind": "none"}),
            "parameters": {"pageSize": "10000"},
        }
    )
    (page,) = fetch(whole.model_copy(update={"paging": whole.paging.model_copy(update={"size_parameter": None})}))
    assert len(page.keys) == 130
    assert page.last


@EVERY
def test_an_agency_without_records_gives_one_empty_page_that_the_bounds_hold(
    agencies: dict[str, Agency], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with played({name: []}) as running:
        enter(running, monkeypatch)
        pages = list(fetch(agencies[name]))
    assert [(page.keys, page.last) for page in pages] == [([], True)]
    assert "at least" in (agencies[name].bounds.problem(received=0, rejected=0, stored=0, full=True) or "")
