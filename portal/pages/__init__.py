"""The pages: one module a page, each with a `router`; found by name, so a new page is one file and its template."""

import importlib
import pkgutil

from fastapi import FastAPI


def include_pages(app: FastAPI) -> None:
    """Add the routes of every module in this folder."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        app.include_router(importlib.import_module(f"{__name__}.{module.name}").router, include_in_schema=False)
