"""`python -m deploy.agencies --data FOLDER --state FILE`: plays the agencies until it is ended."""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from deploy.agencies.misbehaviour import MODES
from deploy.agencies.play import AGENCIES, bench_land_records, played
from deploy.failure import Failure


def write_state(file: Path, environment: dict[str, str]) -> None:
    """The environment variables as JSON; whoever reads the file sees all of it or nothing, and only its owner may."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(environment, out, indent=1)
    partial.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays until SIGTERM or SIGINT."""
    modes = "\n".join(f"  {mode:15}{what}" for mode, what in MODES.items())
    parser = argparse.ArgumentParser(
        prog="python -m deploy.agencies",
        description="Plays the land, environment and finance agencies over HTTP on loopback.",
        epilog='POST {"mode": MODE, "times": N} to /_play of an agency tells it to misbehave; "normal" ends that, '
        f'"later" publishes records-later. Modes:\n{modes}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="the demo's folder, with records/*.jsonl")
    parser.add_argument("--bench", type=int, metavar="N", help="instead of --data: N generated land records")
    parser.add_argument("--state", type=Path, required=True, help="where addresses and keys are written")
    parser.add_argument(
        "--ports", type=int, nargs=len(AGENCIES), metavar="PORT", help=f"ports of {', '.join(AGENCIES)} (default: free)"
    )
    asked = parser.parse_args(arguments)
    if (asked.data is None) == (asked.bench is None):
        parser.error("give either --data or --bench")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    source = asked.data if asked.data is not None else {"land": bench_land_records(asked.bench)}
    ports = dict(zip(AGENCIES, asked.ports, strict=True)) if asked.ports else {}
    try:
        with played(source, ports=ports, remember=asked.data is not None) as players:
            write_state(asked.state, players.environment)
            ended.wait()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The agencies cannot listen: {error.strerror}. Leave --ports out to take free ones.", file=sys.stderr)
        return 1
    asked.state.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
