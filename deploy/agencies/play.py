"""Starting the played agencies: in-process for tests and benchmarks, or for a whole demo folder."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.agencies.environment import Environment
from deploy.agencies.feed import Feed
from deploy.agencies.finance import Finance
from deploy.agencies.land import Land
from deploy.agencies.misbehaviour import Misbehaviour
from deploy.agencies.server import Played
from deploy.agencies.vocabulary import Record
from deploy.failure import Failure

AGENCIES: Final[dict[str, type[Feed]]] = {"land": Land, "environment": Environment, "finance": Finance}


@dataclass(frozen=True, slots=True)
class Players:
    """The running agencies by name."""

    servers: Mapping[str, Played]

    def feed(self, name: str) -> Any:
        """The agency itself: its records, its requests."""
        return self.servers[name].feed

    def tell(self, name: str, mode: str, **told: Any) -> Misbehaviour:
        """Tell an agency to misbehave (see deploy.agencies.misbehaviour.MODES), or to be "normal" again."""
        misbehaviour: Misbehaviour = self.servers[name].feed.misbehaviour
        misbehaviour.tell(mode, **told)
        return misbehaviour

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables by which a register finds and enters all of them."""
        return {name: value for server in self.servers.values() for name, value in server.environment.items()}


def read_records(file: Path) -> list[dict[str, Any]]:
    """The canonical records of a file of JSON lines; none where there is no such file."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8") as lines:
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except ValueError as error:
            raise Failure(f"{file} is not JSON lines: {error}.", remedy="Make the demo's data anew.") from None


@contextmanager
def played(
    source: Path | Mapping[str, Iterable[Record]], *, ports: Mapping[str, int] | None = None, remember: bool = False
) -> Iterator[Players]:
    """The agencies, listening on loopback until the block ends.

    `source` is a demo folder (records/NAME.jsonl, and records-later/NAME.jsonl for `publish_later`), or the canonical
    records by agency; then only the agencies named are played. A port that is not given is chosen free. With `remember`
    what was published later is out again at the next start, as an agency that was away for a moment would have it.
    """
    if isinstance(source, Path) and not any((source / "records" / f"{name}.jsonl").is_file() for name in AGENCIES):
        raise Failure(
            f"{source} holds no records to play.", remedy="Make them with `python -m deploy.demo --to FOLDER`."
        )
    with ExitStack() as stack:
        servers = {}
        for name, kind in AGENCIES.items():
            if isinstance(source, Path):
                feed = kind(read_records(source / "records" / f"{name}.jsonl"))
                later = source / "records-later"
                feed.keep_for_later(
                    read_records(later / f"{name}.jsonl"), later / f"{name}.published" if remember else None
                )
            elif name in source:
                feed = kind(source[name])
            else:
                continue
            servers[name] = stack.enter_context(Played(feed, (ports or {}).get(name, 0)))
        yield Players(servers)


def bench_land_records(count: int = 200_000) -> Iterator[dict[str, Any]]:
    """Canonical land records for benchmarks, about 476 bytes each as the land system says them; all distinct.

    `played({"land": bench_land_records()})` translates them once at its start and serves pages of ready bytes.
    """
    for number in range(count):
        day = f"{2014 + number % 10}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        minute, second = divmod(number, 60)
        hour, minute = divmod(minute, 60)
        yield {
            "source_key": f"B{number:09d}",
            "source_modified": f"2024-01-{hour // 24 + 1:02d}T{hour % 24:02d}:{minute:02d}:{second:02d}+08:00",
            "act": "land_grant",
            "acted_on": day,
            "number": f"130202{day[:4]}B{number:06d}",
            "project_name": f"示例第{number}号年产一百万吨热轧卷板生产线技术改造项目",
            "party_name": f"示例甲{number % 20_000}钢铁有限公司",
            "region": f"13{number % 11 + 1:02d}00",
            "address": f"示例市示例区工业园{number % 97}号地块",
            "industry": "3120",
            "industry_edition": "2017",
            "kind": "granted",
            "authority": "示例市自然资源局",
            "amount": str(12_340_000 + number * 100),
            "area_hectares": f"{10 + number % 900 / 10:.4f}",
            "synthetic": True,
        }
