"""A report while it is being written: its questions in order, its answers, what is wrong with them.

The answers travel in the page's hidden fields: nothing of an unfinished report is kept on the server.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from portal.intake.form_stream import text_of
from portal.language import _
from registry.tips.desks import LANES, Office

# In the order in which they are asked.
STEPS: Final = ("what", "project", "province", "place", "lane", "office", "since", "who", "files", "name", "check")
_TEXTS: Final = {"what": 20_000, "project_words": 200, "since": 500, "who": 5_000, "contact": 1_000}
_CODES: Final = (
    "project",
    "province",
    "place",
    "lane",
    "office",
    "office_name",
    "named",
    "draft",
    "files_desk",
    "receipt",
)
_REGION: Final = re.compile(r"\d{6}")
# An office that is not in the list, by its height.
LEVELS: Final = ("county", "city", "province")
MOST_FILES: Final = 30


@dataclass
class Report:
    """The answers so far; each as it was typed."""

    values: dict[str, str] = field(default_factory=dict)
    # (part, name, size in bytes) of files that are sealed and wait for the report to be sent
    files: list[tuple[str, str, int]] = field(default_factory=list)

    @classmethod
    def of_form(cls, form: dict[str, str]) -> "Report":
        """What a page sent; anything that is not as our pages send it is dropped."""
        values = {name: text_of(form, name, most) for name, most in _TEXTS.items()}
        values |= {name: text_of(form, name, 120) for name in _CODES}
        for name in ("province", "place"):
            if not _REGION.fullmatch(values[name]):
                values[name] = ""
        if values["lane"] not in (*LANES, "unknown"):
            values["lane"] = ""
        if values["named"] not in ("yes", "no"):
            values["named"] = ""
        if not re.fullmatch(r"[0-9a-f]{64}", values["draft"]):
            values["draft"] = ""
        if not re.fullmatch(r"[0-9a-f]{32}", values["receipt"]):
            values["receipt"] = ""
        return cls(values, _files(form.get("files", "")))

    def __getattr__(self, name: str) -> str:
        """An answer; empty where it was not given."""
        return self.values.get(name, "")

    @property
    def region(self) -> str:
        """The place as precisely as it was said; the nation where it was not."""
        return self.place or self.province or "000000"

    @property
    def concerned(self) -> Office | None:
        """The office that the report is about; None where it is about none."""
        if self.office in ("", "none"):
            return None
        if self.office in LEVELS:
            kept = {"county": 6, "city": 4, "province": 2}[self.office]
            return Office(self.region[:kept].ljust(6, "0"), name_zh=self.office_name, name_en=self.office_name)
        identity, _separator, region = self.office.partition("@")
        return Office(region if _REGION.fullmatch(region) else "000000", identity)

    def hidden(self, *, but: tuple[str, ...] = ()) -> dict[str, str]:
        """The fields that the next page carries along."""
        kept = {name: value for name, value in self.values.items() if value and name not in but}
        if self.files:
            kept["files"] = json.dumps(self.files, ensure_ascii=False, separators=(",", ":"))
        return kept

    def errors(self, step: str) -> dict[str, str]:
        """What keeps this step's answer from being taken: field -> what to do."""
        if step == "what" and len(self.what) < 5:
            return {"what": _("请说明发生了什么，一句话也可以。")}
        if step == "province" and not self.province:
            return {"province": _("请选择省、自治区或直辖市。")}
        if step == "lane" and not self.lane:
            return {"lane": _("请选择一项；不清楚就选“不清楚”。")}
        if step == "office" and not self.office:
            return {"office": _("请选择一项。这决定由哪个单位接收。")}
        if step == "name" and not self.named:
            return {"named": _("请选择是否留下姓名或联系方式。")}
        if step == "name" and self.named == "yes" and not self.contact:
            return {"contact": _("请写下姓名或联系方式，或选择不留。")}
        return {}

    def as_json(self, project_name: str, place_name: str, office_name: str) -> bytes:
        """What is sealed; `registry.tips` knows nothing of it, officers' pages show it."""
        said: dict[str, Any] = {
            "what": self.what,
            "project": {"number": self.project, "name": project_name, "words": self.project_words},
            "place": {"region": self.region, "name": place_name},
            "lane": self.lane,
            "office": office_name,
            "since": self.since,
            "who": self.who,
            "contact": self.contact if self.named == "yes" else "",
            "files": [[name, size] for _part, name, size in self.files],
        }
        return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def following(step: str, report: Report) -> str:
    """The next question; a project that was found has its place already."""
    after = STEPS[STEPS.index(step) + 1]
    return "lane" if after == "province" and report.project else after


def before(step: str, report: Report) -> str:
    """The question before."""
    earlier = STEPS[max(0, STEPS.index(step) - 1)]
    return "project" if earlier == "place" and report.project else earlier


def _files(written: str) -> list[tuple[str, str, int]]:
    try:
        found = [(str(part), str(name)[:200], int(size)) for part, name, size in json.loads(written or "[]")]
    except (ValueError, TypeError):
        return []
    return [one for one in found if re.fullmatch(r"[0-9a-f]{32}", one[0])][:MOST_FILES]
