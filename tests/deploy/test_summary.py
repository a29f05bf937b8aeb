"""Where to look: the addresses that the start ends with exist and name the demo's own examples."""

import json
from pathlib import Path

from deploy.summary import where_to_look


def test_without_a_demo_only_what_is_always_there() -> None:
    lines = where_to_look("http://127.0.0.1:8000/", Path("run/api-key"), None)
    assert any(line.endswith("http://127.0.0.1:8000/api/docs") for line in lines)
    assert any(line.endswith("run/api-key") for line in lines)
    assert not any("search?q=" in line for line in lines)


def test_with_the_demo_a_real_plant_and_an_invented_one_that_is_flagged(tmp_path: Path) -> None:
    (tmp_path / "stories.json").write_text(json.dumps([{"enterprise_references": ["demo:E2"]}]))
    names = [{"reference": "demo:E1", "name": "北京示例甲公司"}, {"reference": "demo:E2", "name": "河北示例乙公司"}]
    (tmp_path / "enterprises.jsonl").write_text("\n".join(json.dumps(one) for one in names), encoding="utf-8")
    lines = "\n".join(where_to_look("http://127.0.0.1:8000/", Path("run/api-key"), tmp_path))
    assert "河北示例乙公司" in lines
    assert "北京示例甲公司" not in lines
    assert "首钢京唐" in lines


def test_a_demo_that_cannot_be_read_does_not_spoil_the_start(tmp_path: Path) -> None:
    (tmp_path / "stories.json").write_text("{half")
    assert "首钢京唐" in "\n".join(where_to_look("http://127.0.0.1:8000/", Path("run/api-key"), tmp_path))
