"""What a recipient is told of an event, in one language: a title, one line, a link.

Nothing of it is confidential, by construction: it is made of the kind's words, the rule's title, the region's name
and what the announcer said in its one line.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.kinds import KINDS
from registry.reading import Row, region_names, rows
from registry.rules.reading import rule as rule_named

# The problems a message may have, each a word of the log: in Chinese and English.
PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "refused": ("对方永久拒收", "the other side refuses it for good"),
    "returned": ("邮件已发出，后被退回", "it was sent and came back"),
    "try-later": ("对方要求稍后再试", "the other side asks to try later"),
    "unreachable": ("无法连接", "cannot be reached"),
    "tls": ("加密连接失败", "the encrypted connection fails"),
    "authentication": ("用户名或密码被拒绝", "user or password is refused"),
    "too-slow": ("超时", "too slow"),
    "redirected": ("对方要求转到别处（不予跟随）", "it redirects, which is not followed"),
    "status": ("对方应答出错", "it answers with an error"),
    "gone": ("对方已停用此地址（410）", "the address is gone (410)"),
    "unsafe-address": ("地址不安全", "the address is not allowed"),
    "secret-lost": ("密钥无法解开，须换新", "its secret cannot be opened; renew it"),
    "left": ("收件人已不在用", "the recipient has left"),
    "removed": ("网址已删除", "the webhook was removed"),
    "paused": ("网址已暂停", "the webhook is paused"),
    "tried-too-often": ("多次尝试未果，已放弃", "given up after many tries"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is told."""

    announcement_id: int
    kind: str
    at: datetime
    title: str
    line: str
    path: str
    alert_id: int | None

    def link(self, base: str | None) -> str:
        """Where it is read; only the page's path where the installation does not know its own address."""
        return urljoin(f"{base}/", self.path.lstrip("/")) if base else self.path


ANNOUNCEMENTS: Final = (
    "SELECT id, key, kind, at, subject_kind, subject, path, organisation_id, alert_id, rule, lane, severity, region, "
    "content FROM announcements WHERE id = ANY(:ids) ORDER BY id"
)


async def announcements(session: AsyncSession, ids: Iterable[int]) -> list[Row]:
    """The rows of announcements with the names of their regions, in order."""
    found = await rows(session, ANNOUNCEMENTS, ids=sorted(set(ids)))
    names = await region_names(session, [row["region"] for row in found])
    return [{**row, "region_name": names.get(row["region"] or "", "")} for row in found]


def tell(row: Row, language: str) -> Told:
    """One announcement in a language."""
    kind = KINDS[row["kind"]]
    chinese = language != "en"
    words = kind.zh if chinese else kind.en
    if row["alert_id"] is not None:
        title = f"{words} {row['alert_id']}" if chinese else f"{words}: {row['alert_id']}"
        line = " · ".join(part for part in (rule_title(row["rule"], language), row["region_name"]) if part)
    else:
        title = f"{words} {row['subject']}" if chinese else f"{words}: {row['subject']}"
        line = str(row["content"].get("zh" if chinese else "en", ""))
    return Told(row["id"], row["kind"], row["at"], title, line, row["path"], row["alert_id"])


def rule_title(rule: str, language: str) -> str:
    """The title of a rule, or its id where it is no more."""
    found = rule_named(rule)
    if found is None:
        return rule
    return found.title.en if language == "en" else found.title.zh


def problem_words(word: str, language: str) -> str:
    """A problem of the log in words."""
    if word not in PROBLEMS:
        return word
    return PROBLEMS[word][1 if language == "en" else 0]


def event_of(row: Row, base: str | None, message_key: str) -> dict[str, Any]:
    """The announcement as a CloudEvent (1.0): what a webhook is sent."""
    chinese, english = tell(row, "zh"), tell(row, "en")
    data = {
        "announcement": row["id"],
        "kind": row["kind"],
        "subject_kind": row["subject_kind"],
        "subject": row["subject"],
        "alert": row["alert_id"],
        "rule": row["rule"] or None,
        "lane": row["lane"] or None,
        "severity": row["severity"] or None,
        "region": row["region"],
        "title_zh": chinese.title,
        "title_en": english.title,
        "text_zh": chinese.line,
        "text_en": english.line,
        "path": row["path"],
        "link": chinese.link(base),
    }
    return {
        "specversion": "1.0",
        "id": message_key,
        "source": base or "urn:threegates",
        "type": f"threegates.{row['kind']}",
        "subject": f"{row['subject_kind']}/{row['subject']}",
        "time": row["at"].isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
