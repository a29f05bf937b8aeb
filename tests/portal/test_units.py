"""Amounts and dates as people write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from portal.language import speaking
from portal.units import area, day, instant, number, period, quantity


def test_capacities_count_in_ten_thousands_in_chinese() -> None:
    assert quantity(Decimal("1200000"), "t/a") == "120 万吨/年"
    assert quantity("3600000", "weight_case/a") == "360 万重量箱/年"
    assert quantity("5000", "t/a") == "5,000 吨/年"
    with speaking("en"):
        assert quantity(Decimal("1200000"), "t/a") == "1,200,000 t/a"


def test_nothing_known_is_nothing_shown() -> None:
    assert (quantity(None, "t"), area(None), day(None), instant(None), number(None)) == ("", "", "", "", "")


def test_an_unknown_unit_is_shown_as_it_is() -> None:
    assert quantity("3", "furlong") == "3 furlong"


def test_land_is_counted_in_hectares_and_mu() -> None:
    assert area(Decimal("2.6")) == "2.6 公顷（39 亩）"


def test_days_and_instants_are_of_china() -> None:
    assert day(date(2014, 2, 1)) == "2014年2月1日"
    late = datetime(2014, 1, 31, 17, 30, tzinfo=UTC)
    assert instant(late) == "2014年2月1日 01:30"
    with speaking("en"):
        assert day("2014-02-01") == "1 February 2014"
        assert instant(late) == "1 February 2014 01:30"


def test_periods_may_be_open() -> None:
    assert period(date(2014, 1, 1), None) == "2014年1月1日起"
    assert period(None, date(2014, 1, 1)) == "至2014年1月1日"
    assert period(None, None) == ""
