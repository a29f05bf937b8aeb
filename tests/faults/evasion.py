"""Names disguised in 25 ways: nearly all come home or before a person, the disguise shows, and none goes to another.

Companies are invented; one record in twenty is a near-namesake's and belongs to nothing.
"""

import random
from collections.abc import Callable
from typing import Final

from deploy.linkage import noise
from deploy.linkage.world import Project, World, headed, made, own_name
from registry.linking.benchmark import measure
from registry.linking.sets import LinkageSet, Row
from registry.names import disguises, normalise
from registry.scratch import scratch_database
from tests.faults.account import Account

# Names; each in 25 disguises.
SCALES: Final = {"small": 24, "full": 10_000}
NAMESAKES: Final = 20
HOME: Final = 0.995
FALSE: Final = 0.001

Change = Callable[[str, random.Random], str]


def _between(sign: str) -> Change:
    """The sign after every second character."""
    return lambda name, chance: "".join(one + (sign if at % 2 else "") for at, one in enumerate(name))


def _exchanged(table: dict[str, str]) -> Change:
    """Characters for others; where the name has none of them, something unseen in its middle."""

    def change(name: str, chance: random.Random) -> str:
        told = "".join(table.get(one, one) for one in name)
        return told if told != name else f"{name[:3]}\u200b{name[3:]}"

    return change


def _or_spaced(change: Change) -> Change:
    """A change of the name itself; where it changes nothing, spaces."""
    return lambda name, chance: told if (told := change(name, chance)) != name else noise.spaced(f"{name} ", chance)


RADICALS: Final = dict(zip("金工大高山立长玉青", "⾦⼯⼤⾼⼭⽴⻓⽟⻘", strict=True))
LOOKS: Final = {"己": "已", "未": "末", "土": "士", "治": "冶", "日": "曰", "人": "入", "天": "夭", "冀": "翼"}
FOREIGN: Final = {"力": "カ", "工": "エ", "二": "ニ", "口": "ロ", "夕": "タ", "八": "ハ"}
# The first seventeen change characters and are signalled as such; the others change the name, and the link says so.
OF_CHARACTERS: Final[dict[str, Change]] = {
    "zero width space": _between("\u200b"),
    "zero width joiner": _between("\u200d"),
    "byte order mark": _between("\ufeff"),
    "soft hyphen": _between("\u00ad"),
    "word joiner": _between("\u2060"),
    "variation selector": _between("\ufe00"),
    "blank letter": _between("\u3164"),
    "struck through": _between("\u0336"),
    "spaces": _between(" "),
    "ideographic spaces": _between("\u3000"),
    "middle dots": _between("·"),
    "dashes": _between("-"),
    "full width": lambda name, chance: noise.wide(f"({name})A", chance),
    "traditional": _or_spaced(noise.traditional),
    "radicals": _exchanged(RADICALS),
    "look-alikes": _exchanged(LOOKS),
    "foreign letters": _exchanged(FOREIGN),
}
OF_NAMES: Final[dict[str, Change]] = {
    "abbreviated": _or_spaced(noise.abbreviated),
    "without its place": _or_spaced(noise.without_place),
    "another legal form": _or_spaced(noise.other_form),
    "a character that sounds alike": _or_spaced(noise.mistyped),
    "a character lacking": _or_spaced(noise.lacking_one),
    "province before": lambda name, chance: f"中国{name}",
    "group": lambda name, chance: headed(name) + "集团",
    "mistyped and unseen": lambda name, chance: noise.unseen(noise.mistyped(name, chance), chance),
}
WAYS: Final = {**OF_CHARACTERS, **OF_NAMES}


async def run(url: str, account: Account) -> None:
    """Disguise, link with the production linker, count."""
    count, chance = SCALES[account.scale], random.Random(account.seed)  # the same names in every run
    world = made(count, chance, real=False)
    records, truth = _records(world, chance)
    given = LinkageSet([one.row() for one in world.projects], records, truth)
    async with scratch_database(url) as engine:
        measured = await measure(engine, given)
    silent = sum(
        not disguises(normalise(row["party_name"]), normalise(project.owner.name))
        for row, (project, way) in zip(records, _plan(world), strict=False)
        if way in OF_CHARACTERS
    )
    account.counters = {
        "names": len(world.projects),
        "disguises": len(WAYS),
        "records": measured.records,
        "linked": measured.linked,
        "to_review": measured.to_review,
        "home_or_review": measured.recall_with_review,
        "false_merges": measured.false_merges,
        "disguises_not_signalled": silent,
        "records_per_second": measured.records_per_second,
    }
    account.expect("25 disguises", len(WAYS), 25)
    account.expect(f"linked or in review at least {HOME}", measured.recall_with_review >= HOME, True)
    account.expect(f"false merges at most {FALSE}", measured.false_merges <= FALSE, True)
    account.expect("disguises not signalled", silent, 0)


def _plan(world: World) -> list[tuple[Project, str]]:
    return [(project, way) for project in world.projects for way in WAYS]


def _records(world: World, chance: random.Random) -> tuple[list[Row], dict[str, set[str]]]:
    """One record a name and disguise, then the namesakes'."""
    records: list[Row] = []
    truth: dict[str, set[str]] = {}
    for project, way in _plan(world):
        records.append(_record(len(records), project, WAYS[way](project.owner.name, chance), project.name))
        truth[records[-1]["id"]] = {project.code}
    for project in world.projects:
        start, end = own_name(project.owner.name)
        if end <= start or chance.random() > len(WAYS) / NAMESAKES:
            continue
        other = noise.namesake(project.owner.name, chance)
        if other in world.names:
            continue
        title = project.name.replace(project.owner.name, other).replace(project.owner.head, headed(other))
        records.append(_record(len(records), project, other, title))
        truth[records[-1]["id"]] = set()
    return records, truth


def _record(number: int, project: Project, party: str, title: str) -> Row:
    return {
        "id": f"e{number:07d}", "act": "land_grant", "on": "2016-05-01", "project_code": "", "project_name": title,
        "party_name": party, "party_uscc": "", "region": project.owner.region[:4] + "00", "address": "",
    }  # fmt: skip
