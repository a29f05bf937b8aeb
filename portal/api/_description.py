"""OpenAPI 3.1 of /api/v1: scopes, headers, the problems each operation may answer; and the same for a page."""

import copy
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from fastapi import FastAPI

from portal.api._deprecations import DEPRECATED
from portal.api._operations import COOKIE_SCHEME, KEY_SCHEME, UNSAFE
from portal.language import Language, _, current_language, speaking
from portal.problems import PROBLEM_TYPES
from portal.viewing import SIGN_IN_COOKIE
from registry.roles import SCOPES

PREFIX: Final = "/api/v1"
METHODS: Final = ("get", "post", "patch", "put", "delete")
DESCRIPTION: Final[dict[Language, str]] = {
    "zh": """三道闸门项目登记簿的开放接口。

- 读取不需要密钥；不带密钥时只见公开内容，信贷只见是否有疑点。
- 登记和更正须带 `Authorization: Bearer KEY`；登记须带 `Idempotency-Key`，更正须带 `If-Match` 并写 `reason`。
- 读取信贷明细的用途写在 `X-Purpose`（UTF-8 百分号编码），随每次读取记入审计；不写的记为密钥的名称。
- 列表以 `cursor` 翻页，下一页见 `Link`。
- 出错时按 RFC 9457 答复，类型见 `/problems`，语言随 `Accept-Language`。
- 将停用的操作以 `Deprecation` 和 `Sunset` 预告，至少提前半年。
- 疑点是有据可查的怀疑，不是结论；没有疑点也不等于合法。
""",
    "en": """The open interface of the register behind the three gates.

- Reading needs no key; without one, credit shows only whether it is flagged.
- Writing needs `Authorization: Bearer KEY`, registering an `Idempotency-Key`, correcting an `If-Match` and a `reason`.
- What credit in detail is read for is said in `X-Purpose` (UTF-8, percent-encoded) and stands with each reading in the
  audit; unsaid it is the name of the key.
- Lists are paged by `cursor`; `Link` leads to the next page.
- Errors are RFC 9457 problem details, by `/problems`, in the language of `Accept-Language`.
- Operations that will go say so in `Deprecation` and `Sunset`, half a year before at least.
- A finding is a suspicion with evidence, never a proof; no finding does not mean lawful.
""",
}
_TITLE: Final[dict[Language, str]] = {
    "zh": "产能严重过剩行业项目登记簿",
    "en": "The register of investment projects in overcapacity industries",
}
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "remedy", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems#not-found"]},
        "title": {"type": "string", "minLength": 1, "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "description": "What is wrong, without what was sent"},
        "remedy": {"type": "string", "minLength": 1, "description": "What to do about it"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}, "row": {"type": "integer"}},
            },
        },
    },
}
_HEADERS: Final[dict[str, str]] = {
    "ETag": "The version of what was read; send it in If-None-Match to learn whether it changed, and of a project "
    "in If-Match to correct it",
    "Link": "On lists the next page (rel=next); on operations that will go what is said of that",
    "RateLimit-Policy": "How many requests a minute, by key or by address",
    "RateLimit": "How many are left (r) and in how many seconds there are more (t)",
    "Idempotent-Replayed": "`true`: this answer was given before, and nothing was done again",
    "X-Request-Id": "The number of this request, for questions to the operator",
}
_OF_EVERY_ANSWER: Final = ("RateLimit-Policy", "RateLimit", "X-Request-Id")
# What every operation may answer, and what those that change something may beside it.
_ALWAYS: Final = frozenset({400, 401, 403, 404, 422, 429, 500, 503})
_OF_CHANGES: Final = frozenset({409, 412, 413, 415, 428})


def describe(app: FastAPI, language: Language) -> dict[str, Any]:
    """OpenAPI 3.1 of /api/v1 in one language, with the problems that every address may answer; made once."""
    made: dict[Language, dict[str, Any]] = vars(app.state).setdefault("_state", {}).setdefault("descriptions", {})
    if language not in made:
        app.openapi_schema = None
        with speaking(language):
            schema = copy.deepcopy(_describe(app))
        _say(schema, language)
        schema["info"] |= {"description": DESCRIPTION[language], "summary": _TITLE[language]}
        made[language] = schema
    return made[language]


@lru_cache(maxsize=1)
def _chinese() -> dict[str, str]:
    """English description -> its Chinese."""
    said: dict[str, str] = yaml.safe_load(Path(__file__).with_name("chinese.yml").read_text(encoding="utf-8"))
    return said


def _say(part: Any, language: Language) -> None:
    """Put descriptions and summaries into one language; both are written once, the English where they belong."""
    if isinstance(part, list):
        for one in part:
            _say(one, language)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "summary" and isinstance(value, str):
                zh, _dot, en = value.partition(" · ")
                part[name] = zh if language == "zh" else en or zh
            elif name == "description" and isinstance(value, str):
                part[name] = _chinese().get(" ".join(value.split()), value) if language == "zh" else value
            else:
                _say(value, language)


def _describe(app: FastAPI) -> dict[str, Any]:
    app.version = "1"
    app.license_info = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    schema = FastAPI.openapi(app)
    schema["servers"] = [{"url": "/"}]
    schema["paths"] = {path: item for path, item in schema["paths"].items() if path.startswith(f"{PREFIX}/")}
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    components["headers"] = {
        name: {"description": said, "schema": {"type": "string"}} for name, said in _HEADERS.items()
    }
    components["responses"] = {kind.name: _problem(status) for status, kind in PROBLEM_TYPES.items()}
    components["responses"]["not-modified"] = {
        "description": "It has not changed since the ETag of If-None-Match",
        "headers": _headers("ETag", *_OF_EVERY_ANSWER),
    }
    components["securitySchemes"] = {
        KEY_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "机构的密钥。权限范围：" if current_language() == "zh" else "A key of an organisation. Scopes: "
            )
            + "; ".join(f"`{scope}` ({', '.join(sorted(granted))})" for scope, granted in SCOPES.items()),
        },
        COOKIE_SCHEME: {
            "type": "apiKey",
            "in": "cookie",
            "name": SIGN_IN_COOKIE,
            "description": "A person who is signed in, with the named permission; changes only from our own pages",
        },
    }
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                _describe_operation(method.upper(), path.removeprefix(PREFIX), item[method])
    return schema


def _problem(status: int) -> dict[str, Any]:
    kind = PROBLEM_TYPES[status]
    example = {"type": f"/problems#{kind.name}", "title": _(kind.title), "status": status, "detail": ""}
    return {
        "description": _(kind.title),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {**example, "remedy": _(kind.remedy), "instance": f"{PREFIX}/projects"},
            }
        },
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _describe_operation(method: str, path: str, operation: dict[str, Any]) -> None:
    changes = method in UNSAFE
    answers = operation["responses"]
    for status in sorted(_ALWAYS | (_OF_CHANGES if changes else set())):
        answers[str(status)] = {"$ref": f"#/components/responses/{PROBLEM_TYPES[status].name}"}
    replayed = any(one["name"] == "idempotency-key" for one in operation.get("parameters", []))
    own = ("Idempotent-Replayed",) if replayed else () if changes else ("ETag", "Link")
    answers["200"]["headers"] = _headers(*own, *_OF_EVERY_ANSWER)
    if not changes:
        answers["304"] = {"$ref": "#/components/responses/not-modified"}
    if (method, path) in DEPRECATED:
        operation["deprecated"] = True


@dataclass(frozen=True, slots=True)
class DescribedOperation:
    """One operation as its page shows it."""

    method: str
    path: str
    summary: str
    description: str
    scope: str
    public: bool
    parameters: list[dict[str, Any]]
    body: str
    ends: str

    @property
    def anchor(self) -> str:
        """The name of its section."""
        return f"{self.method.lower()}{self.path.replace('/', '-').replace('{', '').replace('}', '')}"


def resources(app: FastAPI) -> dict[str, list[DescribedOperation]]:
    """The operations by resource, in the current language."""
    schema = describe(app, current_language())
    found: dict[str, list[DescribedOperation]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                found.setdefault(operation["tags"][0], []).append(_described(schema, method.upper(), path, operation))
    return found


def _described(schema: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> DescribedOperation:
    ending = DEPRECATED.get((method, path.removeprefix(PREFIX)))
    security: list[dict[str, list[str]]] = operation["security"]
    return DescribedOperation(
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=" / ".join(one[KEY_SCHEME][0] for one in security if KEY_SCHEME in one),
        public={} in security,
        parameters=[
            {
                "name": one["name"],
                "place": one["in"],
                "required": one.get("required", False),
                "kind": _kind(one["schema"]),
                "description": one.get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        body=_example(schema, operation),
        ends=ending.ends.isoformat() if ending else "",
    )


def _kind(schema: dict[str, Any]) -> str:
    """The type of a parameter in a word: integer, string (date), array."""
    choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    one = choices[0] if choices else schema
    return f"{one.get('type', '')} ({one['format']})" if "format" in one else str(one.get("type", ""))


def _example(schema: dict[str, Any], operation: dict[str, Any]) -> str:
    """The example of a body, as JSON."""
    if "requestBody" not in operation:
        return ""
    content = operation["requestBody"]["content"]
    if "application/json" not in content:
        return ""
    body = content["application/json"]["schema"]
    named = schema["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], body)
    examples = named.get("examples", [])
    return json.dumps(examples[0], ensure_ascii=False, indent=2) if examples else ""
