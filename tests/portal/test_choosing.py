"""A filter with a value that there is not: refused with what there is, wherever it is given."""

import pytest

from portal.pages.search import SHOWN_FACETS
from portal.words import TABLES
from registry.choices import CHOICES
from tests.command_line import threegates
from tests.portal.conftest import Register
from tests.portal.test_api import Api
from tests.portal.test_pages import Visitor

NAMES = ("sector", "stage", "province", "kind", "lane", "gate", "agency")


@pytest.fixture
def public(portal: str) -> Api:
    return Api(portal)


@pytest.mark.parametrize("name", NAMES)
def test_the_api_refuses_it_and_names_what_there_is(public: Api, name: str) -> None:
    status, _headers, problem = public.call("GET", f"/search?{name}=nosuch")
    assert (status, problem["type"]) == (422, "/problems#invalid-input")
    assert problem["errors"] == [{"field": name, "detail": f"There is no such {name}."}]
    there_is = {"sector": "steel, cement", "agency": "environment, finance, land", "province": "11, 12, 13"}
    assert there_is.get(name, "") in problem["remedy"]
    assert "nosuch" not in str(problem)
    chinese = public.call("GET", f"/search?{name}=nosuch", accept_language="zh-CN")[2]
    assert chinese["detail"].startswith("没有")
    assert chinese["remedy"].startswith("可填：")


@pytest.mark.parametrize(
    "path",
    [
        "/projects?sector=nosuch",
        "/projects?stage=nosuch",
        "/projects?province=99",
        "/findings?rule=nosuch",
        "/findings?lane=nosuch",
        "/findings?sector=nosuch",
        "/findings?province=99",
        "/notices?kind=nosuch",
        "/notices?sector=nosuch",
    ],
)
def test_so_do_its_lists(public: Api, path: str) -> None:
    status, _headers, problem = public.call("GET", path)
    assert status == 422
    assert "Give one of: " in problem["remedy"]


def test_a_province_is_said_by_two_digits_or_six(public: Api) -> None:
    short, long = public.get("/search?province=13"), public.get("/search?province=130000")
    assert short["total"] == long["total"] > 0


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(
    ("path", "without", "there_is"),
    [
        (
            "/search?sector=nosuch&province=13",
            "/search?province=13",
            {"zh-CN": "可选：钢铁、水泥", "en": "Steel, Cement"},
        ),
        ("/search?agency=nosuch", "/search", {"zh-CN": "生态环境", "en": "nvironment"}),
        ("/search?flagged=perhaps", "/search", {"zh-CN": "有疑点、无疑点", "en": "Flagged, Not flagged"}),
        ("/findings?sector=nosuch", "/findings", {"zh-CN": "可选：钢铁、水泥", "en": "Steel, Cement"}),
        ("/findings?state=nosuch", "/findings", {"zh-CN": "未了结", "en": "Open"}),
        ("/notices?kind=nosuch", "/notices", {"zh-CN": "产能置换公告", "en": "replacement"}),
    ],
)
def test_a_page_says_it_on_top_and_lists_without_it(
    portal: str, path: str, without: str, there_is: dict[str, str], language: str
) -> None:
    visitor = Visitor(portal, headers={"accept-language": language})
    status, _headers, page = visitor.ask(path)
    assert status == 200
    summary = page.split('class="govuk-error-summary"', 1)[1].split("</ul>")[0]
    assert there_is[language] in summary
    assert "nosuch" not in summary
    plain = visitor.ask(without)[2]
    assert "govuk-error-summary" not in plain
    assert counted(page) == counted(plain) != ""


def counted(text: str) -> str:
    """What the list says of its length."""
    return text.split('id="found">', 1)[1].split("</h2>")[0]


@pytest.mark.parametrize("name", ["sector", "stage", "province", "agency", "kind", "lane"])
def test_the_command_ends_with_two(register: Register, name: str) -> None:
    done = threegates(register.environment, "search", "", f"--{name}", "nosuch")
    assert done.returncode == 2
    assert f"There is no such {name}. Give one of: " in done.stderr


def test_pages_and_api_offer_the_same() -> None:
    for name in ("sector", "stage", "province", "lane", "kind"):
        assert set(CHOICES[name]) == set(TABLES[SHOWN_FACETS[name]])
