"""`threegates search`: find projects, enterprises and records from the command line."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from portal.commands._operating import operator_name
from registry.choices import check_choice, feed_ids
from registry.credit_reads import note_credit_read
from registry.database import engine, transaction
from registry.errors import BadInput
from registry.viewers import Audience, Viewer
from search.client import servers
from search.find import Found, Hit, find
from search.queries import HIT_BEGINS, HIT_ENDS, Search

KINDS: Final = {
    "project": "项目",
    "enterprise": "企业",
    "record": "记录",
    "publication": "公示公告",
    "suspected": "疑似项目",
}
SHOWN_FACETS: Final = (
    *("kind", "publication_kind", "publication_state", "suspected_state", "mark", "product"),
    *("sector", "province", "stage", "gate", "agency"),
)

Values = Annotated[list[str] | None, typer.Option(help="May be given several times.")]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def search(
        query: Annotated[str, typer.Argument(help="A name, former name, pinyin, code, USCC or number; '' lists all.")],
        audience: Annotated[str, typer.Option("--as", help="public, official or finance")] = "public",
        kind: Values = None,
        sector: Values = None,
        province: Values = None,
        stage: Values = None,
        nature: Values = None,
        gate: Values = None,
        lane: Values = None,
        agency: Values = None,
        publication_kind: Values = None,
        publication_state: Values = None,
        suspected_state: Values = None,
        mark: Values = None,
        product: Values = None,
        flagged: Annotated[bool | None, typer.Option("--flagged/--not-flagged")] = None,
        invented: Annotated[bool | None, typer.Option("--invented/--real")] = None,
        limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
        cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    ) -> None:
        """Find projects, enterprises, records and publications, as officials suspected projects; credit as finance."""
        chosen: dict[str, list[str] | None] = {
            "kind": kind,
            "sector": sector,
            "province": province,
            "stage": stage,
            "nature": nature,
            "gate": gate,
            "lane": lane,
            "agency": agency,
            "publication_kind": publication_kind,
            "publication_state": publication_state,
            "suspected_state": suspected_state,
            "mark": mark,
            "product": product,
            "flagged": None if flagged is None else [str(flagged).lower()],
            "invented": None if invented is None else [str(invented).lower()],
        }
        filters = {name: tuple(values) for name, values in chosen.items() if values}
        for name, values in filters.items():
            if name != "agency":
                check_choice(name, *values)
        if "province" in filters:
            filters["province"] = tuple(code.ljust(6, "0") for code in filters["province"])
        found = asyncio.run(_run(Search(query, _audience(audience), filters, limit, cursor)))
        if as_json:
            typer.echo(orjson.dumps(as_object(found), option=orjson.OPT_INDENT_2).decode())
        else:
            show(found, Console())


def _audience(word: str) -> Audience:
    if word == "public":
        return "public"
    if word == "official":
        return "official"
    if word == "finance":
        return "finance"
    raise BadInput(
        f"“{word}” is none of public, official and finance.",
        where="--as",
        remedy="Say --as public, --as official or --as finance.",
    )


async def _run(search: Search) -> Found:
    try:
        if agencies := search.filters.get("agency"):
            async with transaction() as session:
                check_choice("agency", *agencies, allowed=await feed_ids(session))
        found = await find(search, servers())
        read = [
            _Shown(hit.id, str(hit.fields["act"])) for hit in found.hits if hit.kind == "record" and "act" in hit.fields
        ]
        if search.audience == "finance":
            async with transaction() as session:
                await note_credit_read(session, _operator(), "search", search.text[:200], records=read)
        return found
    finally:
        await engine().dispose()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A record among what was found, for the audit."""

    record_id: int
    act: str


def _operator() -> Viewer:
    return Viewer("key", actor=operator_name(), purpose="asked for on the command line")


def as_object(found: Found) -> dict[str, Any]:
    """The page as JSON; which words were found is left out."""
    return {
        "total": found.total,
        "approximate": found.approximate,
        "degraded": found.degraded,
        "suggestions": found.suggestions,
        "next_cursor": found.next_cursor,
        "hits": [{**hit.fields, "kind": hit.kind, "id": hit.id} for hit in found.hits],
        "facets": {
            name: [{"value": one.value, "count": one.count, "chosen": one.chosen} for one in values]
            for name, values in found.facets.items()
        },
    }


def show(found: Found, console: Console) -> None:
    """The table for people."""
    if found.degraded:
        console.print("检索服务暂不可用，仅按代码和名称查询 · Search is degraded: only codes and names were looked up.")
    if found.approximate:
        console.print("没有完全相符的结果，以下为相近结果 · Nothing is precisely that; these are like it.")
    table = Table()
    for heading in ("类 Kind", "名称 Name", "代码 Code", "行业 Sector", "地区 Place", "疑点 Flags"):
        table.add_column(heading, overflow="fold")
    for hit in found.hits:
        table.add_row(*_cells(hit))
    if found.hits:
        console.print(table)
    console.print(f"共 {found.total:,} 条 · {found.total:,} found")
    for name in SHOWN_FACETS:
        values = [f"{one.value} {one.count:,}" for one in found.facets.get(name, ())[:8]]
        if values:
            console.print(f"{name}: {' · '.join(values)}", style="dim")
    if found.next_cursor:
        console.print("更多 · more: --cursor", found.next_cursor, style="dim", soft_wrap=True)


def _cells(hit: Hit) -> list[str | Text]:
    fields = hit.fields
    sector = fields.get("sector", "")
    name = _marked(hit)
    if fields.get("invented"):
        name.append("（虚构 invented）", style="dim")
    return [
        f"{KINDS[hit.kind]} {hit.id}",
        name,
        str(fields.get("code") or fields.get("uscc") or fields.get("number") or ""),
        ", ".join(sector) if isinstance(sector, list) else str(sector),
        str(fields.get("place", "")),
        ", ".join(fields.get("flagged_lanes", ())) or ("是 yes" if fields.get("flagged") else ""),
    ]


def _marked(hit: Hit) -> Text:
    """The name with what was found in bold; never read as markup."""
    made = Text()
    for number, part in enumerate((hit.found.get("title") or [hit.title])[0].split(HIT_BEGINS)):
        inside, _, after = part.partition(HIT_ENDS) if number else ("", "", part)
        made.append(inside, style="bold")
        made.append(after)
    return made
