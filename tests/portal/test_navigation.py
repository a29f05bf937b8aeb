"""The navigation: who is shown which pages, where one is, and that every address of it answers."""

import pytest

from portal.application import make_application
from portal.navigation import SECTIONS, navigation
from registry.roles import ROLES, permissions_of
from registry.viewers import PUBLIC, Viewer
from tests.faults.rights_pages import routes


def _of(*roles: str, kind: str = "agency") -> Viewer:
    known = frozenset(role for role in ROLES if role in roles)
    return Viewer(kind="person", permissions=permissions_of(known, "bank" if kind == "bank" else "agency", frozenset()))


@pytest.mark.parametrize(
    ("viewer", "path", "bar", "beside"),
    [
        (PUBLIC, "/", ["/search", "/findings", "/notices", "/rules", "/status", "/about"], []),
        (PUBLIC, "/rules/41-3-1", ["/search", "/findings", "/notices", "/rules", "/status", "/about"], []),
        (
            _of("reader"),
            "/suspected/7",
            ["/desk", "/gate-check", "/search", "/findings", "/notices", "/rules", "/status", "/about"],
            ["/desk", "/alerts", "/cases", "/suspected", "/obligations"],
        ),
        (
            _of("auditor", kind="bank"),
            "/audit",
            ["/search", "/findings", "/notices", "/rules", "/status", "/audit", "/about"],
            [],
        ),
    ],
)
def test_everybody_is_shown_what_they_have_a_use_for(
    viewer: Viewer, path: str, bar: list[str], beside: list[str]
) -> None:
    found, pages = navigation(viewer, path, {})
    assert ([one.href for one in found], [one.href for one in pages]) == (bar, beside)


def test_one_place_is_the_nearest_and_the_numbers_add_up() -> None:
    bar, beside = navigation(_of("reader"), "/rules/drafts/4", {"alerts": 3, "urgent": 2})
    assert [one.href for one in beside if one.active] == ["/rules/drafts"]
    assert [one.href for one in bar if one.active] == ["/rules"]
    assert bar[0].text == "我的工作 5"
    assert [one.text for one in navigation(_of("reader"), "/alerts", {"alerts": 3})[1]][:2] == ["工作台", "警报 3"]


def test_the_public_is_offered_the_way_to_report() -> None:
    intake = "http://intake.example/zh/"
    assert navigation(PUBLIC, "/", {}, intake)[0][-1].href == intake
    assert intake not in [one.href for one in navigation(_of("reader"), "/", {}, intake)[0]]


def test_every_address_is_a_page() -> None:
    served = {path for _method, path in routes(make_application())}
    assert {place.address for section in SECTIONS for place in section.places} <= served
