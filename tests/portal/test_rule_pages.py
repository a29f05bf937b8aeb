"""The rules for everybody: words, an example, the law over time, who has the duty today; the documents whole."""

import re
import urllib.error
import urllib.request

import pytest

from portal.words import ACTS, LANES
from registry.rules.reading import rules

CHINESE = re.compile(r"[\u3400-\u9fff]")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def look(portal: str, path: str, language: str = "zh") -> str:
    """A page as a reader of a language sees it."""
    request = urllib.request.Request(portal + path, headers={"accept-language": language})
    with OPENER.open(request, timeout=60) as answer:
        assert answer.status == 200, path
        return str(answer.read().decode())


@pytest.mark.parametrize("rule", [one.id for one in rules()])
def test_every_rule_tells_an_example_that_it_flags_in_both_languages(portal: str, rule: str) -> None:
    chinese, english = look(portal, f"/rules/{rule}"), look(portal, f"/rules/{rule}", "en")
    assert "一个例子" in chinese and "An example" in english
    assert chinese.count("tg-timeline__flag") + chinese.count('<p class="govuk-body"><strong class="govuk-tag') >= 1
    shown = re.sub(r"<(script|style|title|pre)[^>]*>.*?</\1>", "", english, flags=re.DOTALL)
    shown = re.sub(r'<([a-z0-9]+)[^>]*lang="zh-CN"[^>]*>[^<]*</\1>', "", shown)
    assert [part for part in re.findall(r">([^<]+)<", shown) if CHINESE.search(part)] == []


def test_whatever_a_rule_judges_has_its_word() -> None:
    assert {act for one in rules() for act in one.acts} <= set(ACTS)
    assert {lane for one in rules() for lane in one.lanes} <= set(LANES)


def test_values_stand_over_time_and_by_region(portal: str) -> None:
    text = look(portal, "/rules/replacement-ratio-short")
    for words in ("2021年6月1日起：1.25", "2021年6月1日起：1.5", "2024年8月23日起：暂停执行", "河北省", "减量置换"):
        assert words in text


def test_the_limits_of_equipment_stand_with_their_bounds(portal: str) -> None:
    text = look(portal, "/rules/backward-equipment-running")
    assert "400 m3 及以下（含）" in text
    assert "160 kA 以下（不含）" in text
    assert "3.2米及以上捣固焦炉" in text


def test_the_duty_is_shown_with_todays_holder_and_whom_the_document_named(portal: str) -> None:
    text = look(portal, "/rules/business-licence-kept")
    assert "<strong>国家市场监督管理总局</strong>（文件所列：国家工商行政管理总局）" in text
    assert "分工表第17项" in text


def test_the_documents_stand_whole(portal: str) -> None:
    whole = look(portal, "/law/g7")
    assert all(f"第{number}项" in whole for number in range(1, 30))
    assert "三、分解落实目标责任" not in whole and "（三）加大执法处罚力度" in whole
    assert look(portal, "/law/g41", "en").count('<section id="g41-') == 29
    with pytest.raises(urllib.error.HTTPError) as refused:
        look(portal, "/law/g99")
    assert refused.value.code == 404
    refused.value.close()
