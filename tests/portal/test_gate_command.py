"""`threegates gate`: an act asked for on the command line, receipts verified without a server, files with exposure."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.command_line import Done, threegates
from tests.registry.gate_world import GOOD, LAPSED, gate_world
from tests.registry.worlds import OTHER, OWNER, at, changed


@pytest.fixture
async def world(engine: AsyncEngine, database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a register with the small world."""
    await gate_world(engine)
    await changed(engine, at(1))
    return {
        **os.environ,
        "THREEGATES_DATABASE_URL": database_url,
        "THREEGATES_DATA_FOLDER": str(tmp_path / "data"),
        "THREEGATES_LANGUAGE": "zh",
    }


def gate(world: dict[str, str], *arguments: object) -> Done:
    """The command as a person runs it."""
    return threegates(world, "gate", *arguments)


def test_asking_and_verifying(world: dict[str, str], tmp_path: Path) -> None:
    allowed = gate(world, "land_grant", "--project", GOOD, "--party", OWNER)
    assert (allowed.returncode, allowed.stdout[0]) == (0, "✓"), allowed.stderr
    assert "有效期至" in allowed.stdout
    refused = gate(world, "loan", "--project", LAPSED, "--party", OWNER, "--amount", "100", "--json")
    assert refused.returncode == 1, refused.stderr
    receipt = tmp_path / "回执.json"
    receipt.write_text(refused.stdout, encoding="utf-8")
    referred = gate(
        world, "land", "--project", "示例某工程", "--place", "河北省唐山市", "--party", "示例甲钢铁有限公司"
    )
    assert (referred.returncode, "可能的项目" in referred.stdout) == (3, True), referred.stderr
    published = tmp_path / "keys.json"
    published.write_text(gate(world, "keys").stdout, encoding="utf-8")
    # Offline: no database, another folder.
    alone = {**world, "THREEGATES_DATA_FOLDER": str(tmp_path / "elsewhere")}
    del alone["THREEGATES_DATABASE_URL"]
    genuine = gate(alone, "verify", receipt, "--keys", published)
    assert (genuine.returncode, "回执真实" in genuine.stdout) == (0, True), genuine.stderr
    assert gate(world, "verify", receipt).returncode == 0
    unknown = gate(alone, "verify", receipt)
    assert (unknown.returncode, "keys.json" in unknown.stderr) == (2, True)
    receipt.write_text(refused.stdout.replace('"refuse"', '"allow"'), encoding="utf-8")
    forged = gate(alone, "verify", receipt, "--keys", published)
    assert (forged.returncode, "不真实" in forged.stdout) == (1, True)
    again = gate(world, "re-check", json.loads(refused.stdout)["id"], "--json")
    assert json.loads(again.stdout)["recheck_of"] == json.loads(refused.stdout)["id"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("tree_planting", "--project", GOOD), "ACT"),
        (("loan", "--project", "123-45"), "--project"),
        (("loan", "--project", GOOD, "--party", "12"), "--party"),
        (("loan", "--project", GOOD, "--amount", "much"), "--amount"),
        (("loan", "--project", GOOD, "--area", "-1"), "--area"),
        (("loan", "--project", GOOD, "--months", "0"), "--months"),
        (("loan", "--project", GOOD, "--capacity", "x", "--product", "crude_steel"), "--capacity"),
        (("loan", "--project", GOOD, "--on", "2014-01-01"), "on"),
        (("verify", "/nowhere/receipt.json"), "/nowhere"),
        (("batch", "/nowhere/file.csv"), "/nowhere"),
    ],
)
def test_wrong_input_is_2_and_names_the_option(
    world: dict[str, str], arguments: tuple[object, ...], named: str
) -> None:
    done = gate(world, *arguments)
    assert (done.returncode, named in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_with_exposure_by_group(world: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "贷款.csv"
    lines = [f"{GOOD},{OWNER},100", f"{LAPSED},{OWNER},30", f"{GOOD},{OTHER},7"]
    file.write_text("\n".join(["项目代码,统一社会信用代码,金额", *lines]), encoding="gb18030")
    done = gate(world, "batch", file, "--act", "loan")
    assert done.returncode == 1, done.stderr
    assert "示例甲钢铁有限公司" in done.stdout
    told = json.loads(gate(world, "batch", file, "--act", "loan", "--json").stdout)
    assert told["answers"] == {"allow": 1, "refuse": 1, "refer": 1}
    assert [one["row"] for one in told["lines"]] == [2, 3, 4]
    file.write_text(file.read_text(encoding="gb18030") + "\n12,x,y", encoding="utf-8")
    assert gate(world, "batch", file, "--act", "loan").returncode == 2
    some = json.loads(gate(world, "batch", file, "--act", "loan", "--valid-rows", "--json").stdout)
    assert {one["row"] for one in some["refused_rows"]} == {5}
