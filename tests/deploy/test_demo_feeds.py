"""The demo through played agencies and connectors: all that is sound arrives, all that is malformed is refused."""

import pytest

from connectors.agency import load_agencies
from connectors.errors import RecordRejected
from connectors.fetch import fetch
from deploy.agencies import played
from deploy.demo.world import AGENCIES
from tests.deploy.conftest import DemoFiles


def test_what_is_sound_arrives_and_what_is_malformed_is_refused(
    tiny_demo: DemoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, refused = set(), set()
    with played(tiny_demo.folder) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        for name, agency in load_agencies().items():
            for page in fetch(agency):
                refused |= {(name, rejected.source_key) for rejected in page.rejected}
                for key, entry, raw in zip(page.keys, page.entries, page.raws, strict=True):
                    try:
                        agency.interpreter(entry, raw)
                    except RecordRejected:
                        refused.add((name, key))
                    else:
                        arrived.add((name, key))
    records = tiny_demo.records()
    assert arrived == {key for key, record in records.items() if "malformed" not in record}
    assert refused == {key for key, record in records.items() if "malformed" in record}
    assert {name for name, _ in refused} == set(AGENCIES)
