"""The JSON API below /api/v1: one module a resource, found by name; described by OpenAPI 3.1, documented offline."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any, Final

import fastapi_offline
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from portal.problems import PROBLEM_TYPES
from portal.rendering import render
from portal.viewing import viewing

DESCRIPTION: Final = """三道闸门项目登记簿的开放接口 · The open interface of the register behind the three gates.

- 读取不需要密钥；不带密钥时只见公开内容，信贷只见是否有疑点。
  Reading needs no key; without one, credit shows only whether it is flagged.
- 登记和更正须带 `Authorization: Bearer KEY`，登记须带 `Idempotency-Key`，更正须写 `reason`。
  Writing needs a key, registering an `Idempotency-Key`, correcting a `reason`.
- 列表以 `cursor` 翻页。Lists are paged by `cursor`.
- 出错时按 RFC 9457 答复，类型见 `/problems`，语言随 `Accept-Language`。Errors are RFC 9457 problem details.
- 疑点是有据可查的怀疑，不是结论；没有疑点也不等于合法。
  A finding is a suspicion with evidence, never a proof; no finding does not mean lawful.
"""
PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems#not-found"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string"},
        "remedy": {"type": "string", "description": "What to do about it"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}, "row": {"type": "integer"}},
            },
        },
    },
}
_METHODS: Final = ("get", "post", "patch", "put", "delete")


def mount_api(app: FastAPI) -> None:
    """Add every resource, the description and its documentation page."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        if not module.name.startswith("_"):
            app.include_router(importlib.import_module(f"{__name__}.{module.name}").router, prefix="/api/v1")
    app.mount(
        "/api/docs/files",
        StaticFiles(directory=Path(fastapi_offline.__file__).with_name("static")),
        name="api-docs-files",
    )

    @app.get("/api/openapi.json", include_in_schema=False)
    async def description() -> dict[str, Any]:
        """The description of the API."""
        return describe(app)

    @app.get("/api/docs", include_in_schema=False)
    async def documentation(request: Request) -> Response:
        """A page to read and try the API; everything on it comes from here."""
        async with viewing(request):
            pass
        return render(request, "api_docs.html")


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of /api/v1, with the problems that every address may answer."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    app.description = DESCRIPTION
    app.summary = "The register of investment projects in overcapacity industries"
    app.version = "1"
    app.license_info = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    schema = FastAPI.openapi(app)
    schema["paths"] = {path: item for path, item in schema["paths"].items() if path.startswith("/api/v1/")}
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    components["responses"] = {
        kind.name: {
            "description": kind.title,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {"type": f"/problems#{kind.name}", "title": kind.title, "status": status},
                }
            },
        }
        for status, kind in PROBLEM_TYPES.items()
    }
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for item in schema["paths"].values():
        for method in _METHODS:
            if method in item:
                _describe_operation(item[method], writes=method in ("post", "patch"))
    return schema


def _describe_operation(operation: dict[str, Any], *, writes: bool) -> None:
    expected = {400, 404, 422, 500, 503} | ({401, 409, 413} if writes else {401})
    for status in sorted(expected):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{PROBLEM_TYPES[status].name}"}
    operation["security"] = [{"key": []}] if writes else [{}, {"key": []}]
