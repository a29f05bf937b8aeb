"""Loading the texts of the law into their tables: in the caller's transaction, nothing when nothing changed."""

import hashlib
import json
from pathlib import Path
from typing import Final

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.law.duties import duties
from registry.law.reading import law
from registry.law_texts import LawArticle, LawDocument, LawDuty

FACT: Final = "law_digest"
_HERE: Final = Path(__file__).parent
# Any number will do, as long as nobody else takes it: two upgrades at once load one after the other.
_LOCK: Final = 2010_2013


async def load_law(connection: AsyncConnection) -> bool:
    """Load documents, articles and duties; returns whether anything had changed. The tables always equal the files."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    digest = _digest()
    stored = await connection.scalar(text("SELECT value FROM register_facts WHERE name = :name"), {"name": FACT})
    if stored == digest:
        return False
    for table in ("law_duties", "law_articles", "law_documents"):
        await connection.execute(text(f"DELETE FROM {table}"))
    articles = list(law().articles.values())
    documents = {one.document: one for one in articles}
    await connection.execute(
        insert(LawDocument),
        [
            {
                "id": name,
                "position": position,
                "title_zh": one.title_zh,
                "title_en": one.title_en,
                "signed": one.signed,
                "binds_from": one.binds_from,
                "assumption": one.assumption,
                "translation": one.translation,
            }
            for position, (name, one) in enumerate(documents.items())
        ],
    )
    await connection.execute(
        insert(LawArticle),
        [
            {
                "id": one.id,
                "document_id": one.document,
                "position": position,
                "clause_zh": one.clause_zh,
                "clause_en": one.clause_en,
                "text_zh": one.text_zh,
                "text_en": one.text_en,
            }
            for position, one in enumerate(articles)
        ],
    )
    await connection.execute(
        insert(LawDuty),
        [
            {
                "id": one.id,
                "document_id": one.document,
                "position": position,
                "number": one.number,
                "article_id": one.article,
                "since": one.since,
                "until": one.until,
                "task_zh": one.task_zh,
                "task_en": one.task_en,
                "responsible_zh": one.responsible_zh,
                "responsible": list(one.responsible),
                "participants_zh": one.participants_zh,
                "participants": list(one.participants),
                "others": one.others,
                "rules": list(one.rules),
            }
            for position, one in enumerate(duties())
        ],
    )
    await connection.execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES (:name, CAST(:value AS jsonb)) "
            "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value"
        ),
        {"name": FACT, "value": json.dumps(digest)},
    )
    return True


def _digest() -> str:
    """One hash of everything the tables are made from, the code that derives them included."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted([*_HERE.glob("articles/*.yml"), *_HERE.glob("duties/*.yml"), *_HERE.glob("*.py")]):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
