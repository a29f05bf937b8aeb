"""Every sentence an error may say to a reader of pages, the API or the status page has its Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from connectors import errors
from connectors.feed_words import KINDS, SENTENCES, feed_words
from portal.error_words import CHINESE, in_reader_language
from portal.language import speaking
from registry.error_words import CHINESE as OF_THE_REGISTER
from registry.error_words import in_chinese

ROOT = Path(__file__).parents[2]
CHARACTERS = re.compile(r"[\u3400-\u9fff]")
# What only those meet who build rules, agencies and indices or keep the audit, on the command line.
FOR_BUILDERS = re.compile(
    r"registry/(law|rules|linking|reference|migrations|facts)/|registry/(scenario|reading_yaml|settings|compiling|scratch|storing)"
    r"|registry/(audit_(anchors|chain|digests|time_stamps)|installation_key|tips/(receipts|outer_keys))|portal/commands/|search/(reindex|verify|generations)"
    r"|connectors/(agency|declaration|cases|environment|interpret|values|capacities|guard|time_stamps)\.py"
)
NOT_SAID = {"BadIdentifier", "ItemsRejected", "RecordRejected", "BadAgency"}


def modules(*rooms: str) -> Iterator[Path]:
    """The modules of rooms whose errors reach a reader."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not FOR_BUILDERS.search(path.relative_to(ROOT).as_posix()):
                yield path


def sentence(node: ast.expr, constants: dict[str, set[str]]) -> set[str]:
    """What an expression says: its text, with a number where something is filled in; nothing where it is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.JoinedStr):
        return {"".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)}
    if isinstance(node, ast.Name):
        return constants.get(node.id, set())
    return set()


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names and what is assigned to them, tuples taken apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(one, ast.Name):
                            yield one.id, value


def said(*rooms: str) -> dict[str, str]:
    """Every message and remedy of an error in these rooms, with where it stands."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules(*rooms)}
    constants: dict[str, set[str]] = {}
    for tree in trees.values():
        for name, value in assigned(tree):
            constants.setdefault(name, set()).update(sentence(value, {}))
    found: dict[str, str] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id in NOT_SAID:
                continue
            remedies = [keyword.value for keyword in node.keywords if keyword.arg == "remedy"]
            places = [keyword for keyword in node.keywords if keyword.arg == "where"]
            is_error = (
                remedies
                or places
                or re.fullmatch(
                    r"Bad[A-Z]\w+|NotFound|Conflict|NotAllowed|Unavailable|KeyNeeded|TooLarge|Feed[A-Z]\w+|CheckpointExpired",
                    node.func.id,
                )
            )
            if not is_error or not node.func.id[0].isupper():
                continue
            for expression in [*node.args[:1], *remedies]:
                for text in sentence(expression, constants):
                    found[text] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return {text: place for text, place in found.items() if text}


def test_what_register_search_and_portal_say_has_its_chinese() -> None:
    everything = said("registry", "search", "portal")
    assert len(everything) > 80
    with speaking("zh"):
        missing = {text: place for text, place in everything.items() if not CHARACTERS.search(in_reader_language(text))}
    assert missing == {}, "add them to portal/error_words.py or registry/error_words.py"


def test_what_feeds_say_has_its_chinese() -> None:
    everything = said("connectors")
    assert len(everything) > 60
    missing = {text: place for text, place in everything.items() if in_chinese(text, SENTENCES) is None}
    assert missing == {}, "add them to connectors/feed_words.py"


def test_every_kind_of_feed_error_is_called_something() -> None:
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.FeedError)
    }
    assert kinds == KINDS.keys()


@pytest.mark.parametrize("table", [CHINESE, OF_THE_REGISTER, SENTENCES], ids=["portal", "register", "feeds"])
def test_both_languages_fill_in_the_same_names(table: dict[str, str]) -> None:
    for english, chinese in table.items():
        assert names(english) == names(chinese) or english == "There is no such {what}.", english
        assert CHARACTERS.search(chinese)


def names(text: str) -> set[str]:
    """The {names} of a sentence."""
    return {name for _text, name, _spec, _conversion in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("error", "zh", "en"),
    [
        (
            "FeedTooSlow: GET http://land.example/r: The answer was not complete after 20 seconds. Ask for smaller "
            "pages (paging.size), or raise limits.page_seconds in the agency.yml.",
            "20 秒后答复仍不完整。请减小每页条数（paging.size），或在 agency.yml 中增大 limits.page_seconds。",
            "The answer was not complete after 20 seconds. Ask for smaller pages (paging.size), or raise "
            "limits.page_seconds in the agency.yml.",
        ),
        (
            "FeedRefused: http://x: The agency does not accept the credential (status 403). Check LAND_KEY, LAND_ID. "
            "Overtaken by run 5.",
            "机构的系统不接受我方凭证（状态码 403）。请检查 LAND_KEY, LAND_ID。已由第 5 次同步接替。",
            "The agency does not accept the credential (status 403). Check LAND_KEY, LAND_ID. Overtaken by run 5.",
        ),
        ("Overtaken by run 5.", "已由第 5 次同步接替。", "Overtaken by run 5."),
        ("FeedTooLarge: words nobody foresaw", "机构的答复大于允许的大小。", "words nobody foresaw"),
        ("", "", ""),
    ],
)
def test_an_error_as_it_is_kept_is_said_in_words(error: str, zh: str, en: str) -> None:
    assert (feed_words(error, "zh"), feed_words(error, "en")) == (zh, en)
