"""What publications say beside their facts: the article they rest on, in the reader's language."""

from typing import Any

from portal.language import current_language
from registry.law.reading import law


def law_of(articles: list[str]) -> list[dict[str, Any]]:
    """The articles that a publication names: title, and the text in both languages."""
    found = [law().articles[name] for name in articles if name in law().articles]
    return [
        {
            "name": f"{one.title_zh}{one.clause_zh}"
            if current_language() == "zh"
            else f"{one.title_en}, {one.clause_en}",
            "id": one.id,
        }
        for one in found
    ]
