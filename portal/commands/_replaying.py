"""The replay on the command line: what the rules say of a day by what was known at the end of another."""

import asyncio
import json
from collections import Counter
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from registry.clock import today
from registry.database import engine, json_text, transaction
from registry.errors import BadInput
from registry.flags import Flag
from registry.history import FOREVER
from registry.judging import replay
from registry.law_in_force import catalogue_in_force
from registry.reading import end_of_day
from registry.rules.reading import rule as rule_by_id

# As many findings as a person reads in a terminal; --json has them all.
SHOWN: Final = 100


def replay_register(as_of: date | None, known_on: date | None, *, as_json: bool, store: Path | None) -> None:
    """Judge the whole register as of a day by what was known then, print it, and keep it in a file where asked.

    Without a day of the world it is the day of knowledge; without a day of knowledge it is what is known now.
    """
    world = as_of or known_on or today()
    if store is not None and store.exists():
        raise BadInput("This file is there already.", where=str(store), remedy="Name a new one.")
    told = asyncio.run(_replay(world, known_on))
    if store is not None:
        store.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _say(told, Console())


async def _replay(as_of: date, known_on: date | None) -> dict[str, Any]:
    # A moment before for ever: what is known now is known then.
    known_at = FOREVER - timedelta(days=1) if known_on is None else end_of_day(known_on)
    try:
        async with transaction() as session:
            catalogue = await catalogue_in_force(session, None if known_on is None else known_at)
            flags = await replay(session, as_of, known_at)
    finally:
        await engine().dispose()
    findings = [_told(flag) for flag in flags]
    return {
        "as_of": as_of.isoformat(),
        "known_at": None if known_on is None else known_on.isoformat(),
        "law": catalogue.digest,
        # Equal replays have equal digests: what a report cites can be checked later.
        "digest": blake2b(json_text(findings).encode(), digest_size=16).hexdigest(),
        "by_rule": dict(sorted(Counter(flag.rule for flag in flags).items())),
        "findings": findings,
    }


def _told(flag: Flag) -> dict[str, Any]:
    return {
        "fingerprint": flag.fingerprint,
        "rule": flag.rule,
        "rule_version": flag.rule_version,
        "basis": flag.basis,
        "subject": flag.subject_reference,
        "act": flag.act,
        "acted_on": None if flag.acted_on is None else flag.acted_on.isoformat(),
        "project": flag.project_id,
        "enterprise": flag.enterprise_id,
        "region": flag.region,
        "sector": flag.sector,
        "reasons": list(flag.reasons),
        "evidence_hash": flag.evidence_hash,
        "duty_holder": flag.duty_holder,
    }


def _say(told: dict[str, Any], console: Console) -> None:
    known = "现在所知 what is known now" if told["known_at"] is None else f"{told['known_at']} 日终所知 known that day"
    console.print(f"截至 as of {told['as_of']}，{known}: {len(told['findings']):,} 条疑点 findings")
    counts = Table(show_edge=False)
    for heading in ("规则 rule", "条 count"):
        counts.add_column(heading)
    for name, count in told["by_rule"].items():
        found = rule_by_id(name)
        counts.add_row(f"{found.title.zh if found else ''} {name}", f"{count:,}")
    console.print(counts)
    listed = Table(show_edge=False)
    for heading in ("规则 rule", "对象 subject", "行为日 day", "情形 reasons", "地址 address"):
        listed.add_column(heading, overflow="fold")
    for one in told["findings"][:SHOWN]:
        listed.add_row(
            one["rule"],
            one["subject"],
            one["acted_on"] or "",
            ", ".join(one["reasons"]),
            f"/findings/{one['fingerprint']}",
        )
    console.print(listed)
    if len(told["findings"]) > SHOWN:
        console.print(f"只列前 the first {SHOWN}; 全部见 all with --json")
    console.print(f"摘要 digest {told['digest']}，未写入登记簿 nothing was written to the register")
