"""Journeys in Chromium: phone and desktop, with scripts and without, both languages, axe on the main pages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.portal.conftest import Register

pytestmark = pytest.mark.browser
PHONE, DESKTOP = 390, 1280
PLANT = "首钢京唐钢铁联合有限责任公司"
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, portal: str, register: Register) -> Iterator[Open]:
    """Opens a page in a browser of its own: width, language, scripts, and whether an officer looks."""
    contexts = []

    def open_one(
        path: str,
        *,
        width: int = DESKTOP,
        language: str = "zh-CN",
        scripts: bool = True,
        official: bool = False,
        person: str = "",
    ) -> Page:
        context = browser.new_context(
            base_url=portal, viewport={"width": width, "height": 900}, locale=language, java_script_enabled=scripts
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        if official or person:
            secret = register.sign_in_as(person) if person else register.sign_in("officer", lanes=("credit",))
            context.add_cookies([{"name": "threegates_sign_in", "value": secret, "url": portal}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    complaints: list[str] = []
    yield open_one
    for context in contexts:
        context.close()
    # A breach of the content policy or a broken script shows here.
    assert [one for one in complaints if "status of 4" not in one] == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_plant_is_found_by_its_chinese_name_and_shows_its_gates(open_page: Open, width: int, scripts: bool) -> None:
    page = open_page("/", width=width, scripts=scripts)
    page.get_by_role("searchbox").fill(PLANT)
    page.locator("main").get_by_role("button", name="检索").click()
    page.get_by_role("link", name=f"{PLANT[:8]}有限公司钢铁项目（在产产能）").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("首钢京唐")
    gates = page.locator(".tg-gate")
    expect(gates).to_have_count(3)
    for name in ("土地关口", "环保门槛", "信贷闸门"):
        expect(gates.get_by_role("heading", name=name)).to_be_visible()
    # A real plant has lawful synthetic records only: nothing of it is forced.
    expect(page.locator(".tg-gate--forced")).to_have_count(0)
    expect(page.get_by_text("合成").first).to_be_visible()
    expect(page.locator("#source-gem-gist-2025-09")).to_contain_text("CC BY 4.0")


def test_an_invented_one_is_found_and_shows_the_flag(open_page: Open, register: Register) -> None:
    number = register.project("demo:P0001")
    name = register.ask("SELECT name FROM project_versions WHERE project_id = $1 AND known_to = 'infinity'", number)
    page = open_page("/search?flagged=yes&kind=project")
    page.get_by_role("searchbox").fill(name[0]["name"])
    page.get_by_role("button", name="检索").click()
    page.locator(".tg-result--flagged").get_by_role("link").first.click()
    expect(page.locator(".tg-marks").get_by_text("虚构", exact=True)).to_be_visible()
    forced = page.locator(".tg-gate--forced")
    expect(forced.get_by_role("heading", name="土地关口")).to_be_visible()
    forced.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="依据的条文")).to_be_visible()
    expect(page.get_by_text("一律不得批准使用土地、岸线").first).to_be_visible()
    expect(page.get_by_text("疑点是有据可查的怀疑，不是结论").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_language_switch_keeps_the_page(open_page: Open, register: Register, scripts: bool) -> None:
    page = open_page(f"/projects/{register.project('demo:P0001')}", scripts=scripts)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Land gate")).to_be_visible()
    assert f"/projects/{register.project('demo:P0001')}" in page.url
    page.get_by_role("link", name="Timeline").or_(page.get_by_role("link", name="Home")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who approved it?")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("谁批准了它？")


@pytest.mark.parametrize("scripts", [True, False])
def test_an_official_corrects_with_a_reason(open_page: Open, register: Register, scripts: bool) -> None:
    number = register.project("demo:P0004" if scripts else "demo:P0006")
    page = open_page("/", scripts=scripts, official=True)
    page.goto(f"/projects/{number}")
    page.get_by_role("button", name="更正此项目").or_(page.get_by_role("link", name="更正此项目")).click()
    page.get_by_label("地址").fill("示例市示例路1号")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("请写明更正的理由")
    expect(page.get_by_label("地址")).to_have_value("示例市示例路1号")
    page.get_by_label("更正的理由").fill("据现场核查更正地址")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存")).to_be_visible()
    history = page.locator(".tg-history")
    expect(history).to_contain_text("据现场核查更正地址")
    expect(history.locator("ins").first).to_have_text("示例市示例路1号")
    page = open_page(f"/projects/{number}", scripts=scripts)
    expect(page.get_by_text("更正此项目")).to_have_count(0)


def main_pages(register: Register) -> list[str]:
    row = register.ask(
        "SELECT fingerprint, subject_id FROM findings WHERE lane = 'land' AND known_to = 'infinity' LIMIT 1"
    )[0]
    return [
        *("/", "/search", "/search?q=%E9%92%A2%E9%93%81", "/findings", "/notices", "/notices/1", "/sources", "/status"),
        *("/about", "/projects/1", f"/projects/{register.project('demo:P0001')}", "/enterprises/1"),
        *(f"/findings/{row['fingerprint']}", f"/records/{row['subject_id']}", "/nowhere"),
    ]


OFFICIAL_PAGES = ("/projects/new", "/projects/1/edit", "/projects/1/approvals/new", "/projects/import")


@pytest.mark.parametrize(("width", "language"), [(DESKTOP, "zh-CN"), (PHONE, "en")])
def test_axe_finds_nothing(open_page: Open, register: Register, width: int, language: str) -> None:
    page = open_page("/", width=width, language=language, official=True)
    found: list[Any] = []
    for path in [*main_pages(register), *OFFICIAL_PAGES]:
        page.goto(path)
        results = Axe().run(page)
        found += [
            (path, one["id"], [node["target"] for node in one["nodes"]][:3]) for one in results.response["violations"]
        ]
    assert found == []


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_nothing_is_wider_than_a_phone(open_page: Open, register: Register, language: str) -> None:
    page = open_page("/", width=PHONE, language=language, official=True)
    for path in [*main_pages(register), *OFFICIAL_PAGES]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, path


def test_the_keyboard_reaches_the_search(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.keyboard.press("Enter")
    for _step in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    page.keyboard.type("shougang")
    page.keyboard.press("Enter")
    expect(page.locator(".tg-result").first).to_be_visible()


def test_the_documentation_of_the_api_needs_nothing_from_elsewhere(open_page: Open, portal: str) -> None:
    asked: list[str] = []
    page = open_page("/")
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/docs")
    expect(page.get_by_text("PATCH /api/v1/projects/{project_id}", exact=True)).to_be_visible()
    assert [one for one in asked if not one.startswith((portal, "data:"))] == []


def test_a_case_from_an_alert_to_paper_on_a_phone_and_by_keyboard(open_page: Open, register: Register) -> None:
    page = open_page("/alerts", width=PHONE, person="demo-land")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/alerts/*")
    opening = page.get_by_role("link", name="就此警报立案")
    opening.focus()
    page.keyboard.press("Enter")
    page.get_by_label("标题").fill("示例案件")
    page.get_by_label("立案理由").fill("须到现场核对")
    page.get_by_label("标题").press("Enter")
    page.wait_for_url("**/cases/20*")
    # A stage by keyboard alone: the first that can be taken.
    page.locator("input[name=step]:enabled").first.press("Space")
    page.get_by_label("理由", exact=True).fill("现场已核对")
    page.locator("summary", has_text="决定所依据的文书").press("Enter")
    for label, written in (("文号", "示例1号"), ("作出决定的机关", "示例自然资源部门"), ("决定日期", "2026-01-05")):
        page.get_by_label(label).fill(written)
    page.get_by_role("button", name="确认").press("Enter")
    expect(page.locator(".tg-history")).to_contain_text("现场已核对")
    # Another office is asked, and a note is left.
    page.locator("summary", has_text="交办任务或征求意见").press("Enter")
    page.get_by_label("类别").first.select_option("opinion")
    page.get_by_label("事项", exact=True).fill("环评意见")
    page.get_by_label("交给").select_option("demo-environment")
    page.get_by_role("button", name="发出").press("Enter")
    expect(page.locator(".tg-task")).to_contain_text("环评意见")
    page.get_by_label("加备注").fill("已电话联系")
    page.get_by_role("button", name="加备注").press("Enter")
    expect(page.locator(".tg-note")).to_contain_text("已电话联系")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    address = page.url.partition("#")[0].partition("?")[0]
    other = open_page("/desk", width=PHONE, person="demo-environment")
    other.get_by_role("link", name="环评意见").first.press("Enter")
    other.get_by_label("态度").select_option("agree")
    other.get_by_label("答复", exact=True).fill("同意")
    other.get_by_role("button", name="答复").press("Enter")
    expect(other.locator(".tg-replied")).to_contain_text("同意")
    paper = page.request.get(f"{address}/file.pdf")
    assert paper.ok and paper.body().startswith(b"%PDF")
