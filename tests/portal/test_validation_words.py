"""Whatever pydantic may report of a body, a query or a file has words of our own in both languages."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from pydantic_core._pydantic_core import list_all_errors
from starlette.requests import Request

from portal import problems
from portal.application import make_application
from registry.import_items import EnterpriseItem, NoticeItem, ProjectItem, SourceItem
from registry.import_problems import Problem, read_items
from registry.validation_words import ANYTHING, WORDS, validation_words

CHINESE = re.compile(r"[\u3400-\u9fff]")
# Kinds that only Python objects can cause, and the kind of schema that each needs: none of ours has it.
OF_PYTHON_OBJECTS = {
    "no_such_attribute": "model",  # only where attributes are assigned
    "get_attribute_error": "model",  # only with from_attributes
    "frozen_field": "model",  # only where attributes are assigned
    "frozen_instance": "model",
    "default_factory_not_called": "model",  # only with factories that take validated data
    "needs_python_object": "is-instance",
    "is_instance_of": "is-instance",
    "is_subclass_of": "is-subclass",
    "callable_type": "callable",
    "missing_sentinel_error": "missing-sentinel",
    "ellipsis_error": "ellipsis",
    "named_tuple_type": "call",
    "arguments_type": "arguments",
    "missing_argument": "arguments",
    "unexpected_keyword_argument": "arguments",
    "missing_keyword_only_argument": "arguments",
    "unexpected_positional_argument": "arguments",
    "missing_positional_only_argument": "arguments",
    "multiple_argument_values": "arguments",
    "frozen_dict_type": "frozendict",
    "counter_type": "counter",
}
KINDS: dict[str, dict[str, Any]] = {error["type"]: error["example_context"] or {} for error in list_all_errors()}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - OF_PYTHON_OBJECTS.keys()))
def test_every_kind_has_its_own_words(kind: str) -> None:
    zh, remedy_zh, en, remedy_en = words = validation_words(kind, KINDS[kind])
    assert words != ANYTHING or kind in WORDS
    assert CHINESE.search(zh)
    assert CHINESE.search(remedy_zh)
    assert not CHINESE.search(en + remedy_en)
    assert "{" not in "".join(words)
    assert "…" not in zh.replace("https://…", ""), "a name that the error does not bring"


def test_the_excluded_kinds_are_kinds() -> None:
    assert OF_PYTHON_OBJECTS.keys() <= KINDS.keys()


def routes(router: Any) -> Iterator[APIRoute]:
    """Every address, included routers taken apart."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router)


def schema_types(part: Any) -> Iterator[str]:
    """The kind of every part of a core schema."""
    if isinstance(part, dict):
        if isinstance(part.get("type"), str):
            yield part["type"]
        for name, value in part.items():
            if name not in ("metadata", "serialization", "ref", "expected"):
                yield from schema_types(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from schema_types(value)


def test_nothing_that_comes_in_has_a_schema_whose_errors_are_excluded() -> None:
    found: dict[str, str] = {}
    count = 0
    for route in routes(make_application().router):
        dependant = route.dependant
        for field in (
            *dependant.path_params,
            *dependant.query_params,
            *dependant.header_params,
            *dependant.body_params,
        ):
            count += 1
            annotation = cast(Any, field.field_info.annotation)
            for kind in schema_types(TypeAdapter(annotation).core_schema):
                found[kind] = f"{route.path} {field.name}"
    assert count > 50
    for model in (ProjectItem, EnterpriseItem, NoticeItem, SourceItem):
        found |= dict.fromkeys(schema_types(model.__pydantic_core_schema__), model.__name__)
    assert "model-field" in found
    refused = (set(OF_PYTHON_OBJECTS.values()) - {"model"}) & found.keys()
    assert refused == set(), {kind: found[kind] for kind in refused}


@pytest.mark.parametrize("model", [ProjectItem, EnterpriseItem, NoticeItem, SourceItem])
def test_items_full_of_nonsense_are_refused_in_both_languages(model: type[BaseModel]) -> None:
    nonsense: list[Any] = [None, "", "x" * 5000, -1, 1e300, "\ud800", "2014-13-99", [], [[]], {}, True, "NaN"]
    items = [dict.fromkeys(model.model_fields, value) for value in nonsense] + [{"nosuch": 1}, [], "text"]
    _, _, problems = read_items(model, items)
    assert len(problems) > 50
    for problem in problems:
        assert CHINESE.search(problem.zh), problem
        assert problem.en, problem
        assert not CHINESE.search(problem.en.replace(problem.value, "")), problem


async def test_what_was_sent_is_not_said_again_neither_as_a_value_nor_as_a_column() -> None:
    told = [{"type": "no_industry", "loc": ("body", "industry"), "input": "不可回显", "ctx": {}}]
    words = ("“不可回显”不是行业代码。", "", "“不可回显” is no industry.", "")
    told[0]["ctx"] = {"zh": words[0], "en": words[2]}
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(problems, "validation_words", lambda _kind, _context: words)
        scope = {"type": "http", "path": "/api/v1/projects", "method": "POST", "headers": [], "query_string": b""}
        answer = await problems._validation_error(Request(scope), RequestValidationError(told))
    assert answer.status_code == 422 and "不可回显" not in bytes(answer.body).decode()
    assert problems._column(Problem(1, "不可回显", "不可回显", "", "")) == ""
    assert problems._column(Problem(1, "industry", "不可回显", "", "")) == "industry"
