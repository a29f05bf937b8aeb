"""Identifiers: the samples of the domain, disguises that must not matter, warnings, and errors that speak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identifiers import (
    BadIdentifier,
    discharge_permit,
    eia_number,
    industry,
    project_code,
    region,
    supervision_number,
    uscc,
)
from registry.identifiers.problem import MESSAGES, Parsed

REAL_CODES = (
    "2509-320193-89-01-544060",
    "2603-141124-89-05-346948",
    "2411-130202-89-01-637015",
    "2509-140602-89-05-864976",
    "2512-420984-04-01-395957",
)


def codes(parsed: Parsed) -> list[str]:
    return [warning.code for warning in parsed.warnings]


@pytest.mark.parametrize("text", REAL_CODES)
def test_real_project_codes_pass_without_warning(text: str) -> None:
    parsed = project_code.parse(text)
    assert (parsed.value, parsed.shape, parsed.warnings) == (text, "current", ())
    assert parsed.region == text[5:11]


def test_former_project_code_is_read_with_its_year_and_kind() -> None:
    parsed = project_code.parse("2017-440300-32-03-100123")
    assert (parsed.shape, parsed.year, parsed.month, parsed.kind, codes(parsed)) == ("former", 2017, None, "filing", [])


def test_code_starting_with_2011_is_new_only_when_its_check_digit_passes() -> None:
    new = project_code.with_check_digit("2011-130202-89-01-63701")
    assert (project_code.parse(new).shape, project_code.parse(new).year) == ("current", 2020)
    wrong = new[:-1] + str((int(new[-1]) + 1) % 10)
    old = project_code.parse(wrong)
    assert (old.shape, old.year, codes(old)) == ("former", 2011, ["project-code-ambiguous"])


def test_wrong_check_digit_warns_and_says_the_right_one() -> None:
    parsed = project_code.parse("2509-320193-89-01-544061")
    assert codes(parsed) == ["project-code-check-digit"]
    message, _ = parsed.warnings[0].say("zh")
    assert "应为 0" in message


@pytest.mark.parametrize(
    "text",
    [
        "25093201938901544060",
        " 2509－320193－89－01－544060 ",
        "２５０９-320193-89-01-544060",
        "2509—320193—89—01—544060",
        "2509\u200b-320193-89-01-544060\ufeff",
        "2509 320193 89 01 544060",
        "2509一320193一89一01一544060",
    ],
)
def test_disguised_project_code_has_one_normal_form(text: str) -> None:
    assert project_code.parse(text).value == "2509-320193-89-01-544060"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("无", "project-code-shape"),
        ("2509-320193-89-01-54406", "project-code-shape"),
        ("2513-320193-89-01-544060", "project-code-month"),
        ("2.50932019389015E+19", "project-code-spreadsheet"),
        ("25093201938901500000.0", "project-code-spreadsheet"),
    ],
)
def test_unreadable_project_code_says_what_and_the_remedy(text: str, code: str) -> None:
    with pytest.raises(BadIdentifier) as caught:
        project_code.parse(text)
    assert caught.value.code == code
    assert caught.value.remedy
    assert caught.value.say("zh") != caught.value.say("en")


def test_uscc_check_digit_and_prefixes() -> None:
    assert uscc.parse("91110000600037341L").warnings == ()
    assert codes(uscc.parse("91110000600037341M")) == ["uscc-check-digit"]
    letter = uscc.with_check_digit("N2110000600037341")
    assert codes(uscc.parse(letter)) == ["uscc-letter-prefix"]
    assert uscc.parse("９１１１００００ 6000-37341l").value == "91110000600037341L"
    assert uscc.parse("91110000600037341L").organisation_code == "600037341"
    assert uscc.parse("91110000600037341L").region == "110000"


def test_former_enterprise_numbers_are_recognised_and_flagged() -> None:
    # the organisation code that python-stdnum's documented USCC holds, and a licence number with the same check system
    assert codes(uscc.parse("60003734-1")) == ["uscc-organisation-code"]
    assert codes(uscc.parse("600037342")) == ["uscc-organisation-code", "organisation-code-check-digit"]
    licence = uscc.parse("110000000000001")
    assert (licence.kind, codes(licence)[0]) == ("licence_number", "uscc-licence-number")


@pytest.mark.parametrize("text", ["", "钢铁", "91110000600037341", "91110000600037341O", "9.11E+17"])
def test_unreadable_uscc_is_an_error(text: str) -> None:
    with pytest.raises(BadIdentifier):
        uscc.parse(text)


@pytest.mark.parametrize(
    ("text", "value", "warned"),
    [
        ("130200", "130200", []),
        ("13", "130000", ["region-padded"]),
        ("1302", "130200", ["region-padded"]),
        ("130209000000", "130209", []),
        ("130209103", "130209", ["region-cut"]),
        ("130200.0", "130200", []),
        ("１３０２００", "130200", []),
        ("990100", "990100", ["region-province"]),
    ],
)
def test_region_codes(text: str, value: str, warned: list[str]) -> None:
    assert (region.parse(text).value, codes(region.parse(text))) == (value, warned)


def test_region_knows_its_level_and_chain() -> None:
    assert region.parse("130209").chain == ("130000", "130200", "130209")
    assert region.parse("130000").chain == ("130000",)
    assert [region.parse(text).level for text in ("130000", "130200", "130209")] == ["province", "city", "county"]
    with pytest.raises(BadIdentifier):
        region.parse("唐山市")


def test_industry_means_what_its_edition_says() -> None:
    rolling = industry.parse("3140", "2011")
    assert (rolling.value, rolling.in_edition("2017"), rolling.warnings) == ("3140", "3130", ())
    assert industry.parse("3130", "2017").in_edition("2011") == "3140"
    assert industry.parse("3150").edition == "2011"
    assert industry.parse("C3120", "GB/T 4754-2017").value == "3120"
    assert codes(industry.parse("3140")) == ["industry-edition-unsaid"]
    assert industry.parse("3736", "2017").in_edition("2011") == "3735"
    assert industry.parse("3735", "2011").in_edition("2017") == "3735"
    for text, edition in (("钢", None), ("31", "2002")):
        with pytest.raises(BadIdentifier):
            industry.parse(text, edition)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("鲁环审[2010]238号", "鲁环审〔2010〕238号"),
        ("苏环建﹝2026﹞85号", "苏环建〔2026〕85号"),
        ("文开发行审环﹝2023﹞10号", "文开发行审环〔2023〕10号"),
        ("鲁环审（2010）第 238 号", "鲁环审〔2010〕238号"),
        ("鲁环审【２０１０】０３８号", "鲁环审〔2010〕38号"),
        ("鲁环审2010-238", "鲁环审〔2010〕238号"),
        ("鲁环审〔2010年〕238号", "鲁环审〔2010〕238号"),
    ],
)
def test_eia_numbers_have_one_normal_form(text: str, value: str) -> None:
    assert eia_number.parse(text).value == value
    assert eia_number.parse(value).value == value


@pytest.mark.parametrize("text", ["", "238号", "鲁环审238号", "[2010]238号"])
def test_unreadable_eia_number_is_an_error(text: str) -> None:
    with pytest.raises(BadIdentifier):
        eia_number.parse(text)


def test_supervision_numbers() -> None:
    parsed = supervision_number.parse("130200 2013 B 00123")
    assert (parsed.value, parsed.region, parsed.year, parsed.supply) == ("1302002013B00123", "130200", 2013, "granted")
    assert codes(supervision_number.parse("1302002013C00123")) == ["supervision-number-letter"]
    for text in ("", "130200B00123", "1302002013B" + "1" * 30):
        with pytest.raises(BadIdentifier):
            supervision_number.parse(text)


def test_discharge_permits() -> None:
    parsed = discharge_permit.parse("91130200699229617X001P")
    assert (parsed.holder, parsed.serial, parsed.kind, parsed.warnings) == ("91130200699229617X", "001", "permit", ())
    assert codes(discharge_permit.parse("91130200699229617X001X")) == ["discharge-permit-registration"]
    for text in ("", "91130200699229617X001", "IIIIIIIIIIIIIIIIII001P"):
        with pytest.raises(BadIdentifier):
            discharge_permit.parse(text)


def test_every_message_is_said_in_both_languages_without_missing_parameters() -> None:
    for code, texts in MESSAGES.items():
        assert all(texts), code
        names = [{part.split("}")[0] for part in text.split("{")[1:]} for text in texts[:2]]
        assert names[0] == names[1], code


def test_a_long_text_is_not_echoed_whole() -> None:
    with pytest.raises(BadIdentifier) as caught:
        project_code.parse("x" * 10_000)
    assert len(str(caught.value)) < 400


@given(st.from_regex(supervision_number.PLAIN, fullmatch=True))
def test_plain_supervision_numbers_need_no_reading(text: str) -> None:
    parsed = supervision_number.parse(text)
    assert (parsed.value, parsed.warnings) == (text, ())
