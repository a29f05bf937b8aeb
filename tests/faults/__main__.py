"""`python -m tests.faults NAME|all [--scale small|full] [--seed N] [--json]`: exit 1 when a promise is broken."""

import argparse
import asyncio
import importlib
import json
import logging
import pkgutil
import sys
import time
from collections.abc import Sequence

import tests.faults
from jobs.logs import hush
from tests.faults.account import Account
from tests.scratch_server import server

# Modules that are not faults themselves.
_HELP = ("account", "fuzzing", "world", "killed", "state", "rights_world", "rights_oracle", "rights_pages")


def names() -> list[str]:
    """Every fault: the modules of this folder."""
    found = [module.name for module in pkgutil.iter_modules(tests.faults.__path__)]
    return sorted(name for name in found if name not in _HELP and not name.startswith("_"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one fault or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("name", choices=[*names(), "all"])
    parser.add_argument("--scale", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=20131006)
    parser.add_argument("--json", action="store_true", help="one JSON object with all counters")
    asked = parser.parse_args(arguments)
    # What is provoked on purpose is no news, and --json is one document.
    hush(logging.CRITICAL)
    accounts: list[Account] = []
    with server({"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}) as url:
        for name in names() if asked.name == "all" else [asked.name]:
            account = Account(name, asked.scale, asked.seed)
            began = time.monotonic()
            asyncio.run(importlib.import_module(f"tests.faults.{name}").run(url, account))
            account.seconds = round(time.monotonic() - began, 1)
            accounts.append(account)
            if not asked.json:
                print(account.line(), flush=True)
    if asked.json:
        print(json.dumps([account.as_json() for account in accounts], ensure_ascii=False, indent=1))
    return 0 if all(account.held for account in accounts) else 1


if __name__ == "__main__":
    sys.exit(main())
