"""Which desk a report goes to: the nearest of the lane, or above an office that it concerns; else none."""

import pytest

from registry.tips.desks import Desk, Office, choose_desk


def desk(identity: str, region: str, *lanes: str, keys: bool = True, two: bool = False) -> Desk:
    return Desk(Office(region, identity), frozenset(lanes), two, ("age1a",) if keys else (), ("age1b",) if two else ())


NATION = desk("nation", "000000", "approval", "credit")
OTHER = desk("other", "000000", "land")
HEBEI = desk("hebei", "130000", "approval", "land")
TANGSHAN = desk("tangshan", "130200", "approval")
COUNTY = desk("county", "130209", "approval", keys=False)
SHANXI = desk("shanxi", "140000", "approval")
ALL = [NATION, OTHER, HEBEI, TANGSHAN, COUNTY, SHANXI]


@pytest.mark.parametrize(
    ("place", "lane", "concerned", "wanted"),
    [
        ("130209", "", None, TANGSHAN),  # the county has no key
        ("130209", "land", None, HEBEI),  # the lane before nearness
        ("130209", "credit", None, NATION),
        ("000000", "", None, NATION),
        ("130209", "", Office("130200", "tangshan"), HEBEI),
        ("130209", "", Office("130209"), TANGSHAN),  # an office of the county that has no desk
        ("130209", "credit", Office("130000", "hebei"), NATION),
        ("130209", "land", Office("000000", "nation"), OTHER),
        ("140100", "land", Office("140000", "shanxi"), OTHER),
    ],
)
def test_a_report_goes_to_the_desk_that_stands_right(
    place: str, lane: str, concerned: Office | None, wanted: Desk
) -> None:
    assert choose_desk(ALL, place, lane, concerned) == wanted


def test_without_a_fitting_desk_nobody_gets_it() -> None:
    assert choose_desk([TANGSHAN], "140000", "") is None
    assert choose_desk([TANGSHAN, HEBEI], "130200", "", Office("130000", "hebei")) is None
    assert choose_desk([NATION], "130200", "", Office("000000", "nation")) is None
    half = Desk(Office("000000", "half"), frozenset(), two_people=True, group_a=("age1a",), group_b=())
    assert choose_desk([half], "130200", "") is None


def test_two_people_are_two_layers_and_the_month_is_outermost() -> None:
    assert desk("d", "000000", two=True).layers("age1m") == [["age1a"], ["age1b"], ["age1m"]]
    assert desk("d", "000000").layers("age1m") == [["age1a"], ["age1m"]]
