"""The texts of the law in the register: documents, their articles in both languages, and the duties they lay down."""

from datetime import date
from typing import Final

from sqlalchemy import ARRAY, Text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotFound
from registry.reading import Row, rows


class LawDocument(SQLModel, table=True):
    """A document of the law."""

    __tablename__ = "law_documents"

    id: str = Field(primary_key=True, sa_type=Text)
    position: int
    title_zh: str = Field(sa_type=Text)
    title_en: str = Field(sa_type=Text)
    signed: date | None = None
    binds_from: date
    assumption: str = Field(default="", sa_type=Text)
    translation: str = Field(default="", sa_type=Text)


class LawArticle(SQLModel, table=True):
    """One article of a document by its clause; the Chinese text decides."""

    __tablename__ = "law_articles"

    id: str = Field(primary_key=True, sa_type=Text)
    document_id: str = Field(foreign_key="law_documents.id", sa_type=Text, index=True)
    position: int
    clause_zh: str = Field(sa_type=Text)
    clause_en: str = Field(sa_type=Text)
    text_zh: str = Field(sa_type=Text)
    text_en: str = Field(sa_type=Text)


class LawDuty(SQLModel, table=True):
    """A row of the division of work of Guofa [2010] 7, or a clause that lays a duty on somebody."""

    __tablename__ = "law_duties"

    id: str = Field(primary_key=True, sa_type=Text)
    document_id: str = Field(foreign_key="law_documents.id", sa_type=Text)
    position: int
    number: int | None = None  # of the row of the annex
    article_id: str | None = Field(default=None, foreign_key="law_articles.id", sa_type=Text)
    since: date
    until: date | None = None
    task_zh: str = Field(sa_type=Text)
    task_en: str = Field(sa_type=Text)
    responsible_zh: str = Field(default="", sa_type=Text)
    responsible: list[str] = Field(sa_type=ARRAY(Text))
    participants_zh: str = Field(default="", sa_type=Text)
    participants: list[str] = Field(sa_type=ARRAY(Text))
    others: bool = False
    rules: list[str] = Field(sa_type=ARRAY(Text))


_ARTICLES: Final = """
SELECT a.id, a.document_id, a.clause_zh, a.clause_en, a.text_zh, a.text_en, d.title_zh, d.title_en, d.signed,
       d.binds_from, d.assumption, d.translation
FROM law_articles a JOIN law_documents d ON d.id = a.document_id
"""


async def read_articles(session: AsyncSession, ids: list[str]) -> list[Row]:
    """Articles by their ids, such as g41-5-3, with the title and first day of their document, in the order asked."""
    found = {row["id"]: row for row in await rows(session, f"{_ARTICLES} WHERE a.id = ANY(:ids)", ids=ids)}
    return [found[one] for one in ids if one in found]


async def read_document_text(session: AsyncSession, document: str) -> list[Row]:
    """All articles of a document in its order; raises NotFound."""
    found = await rows(session, f"{_ARTICLES} WHERE d.id = :document ORDER BY a.position", document=document)
    if not found:
        raise NotFound("There is no such document of the law.", where=document, remedy="See the list under /rules.")
    return found


async def read_documents(session: AsyncSession) -> list[Row]:
    """The documents of the law in order of their first days."""
    return await rows(
        session,
        "SELECT d.*, (SELECT count(*) FROM law_articles a WHERE a.document_id = d.id) AS articles "
        "FROM law_documents d ORDER BY d.binds_from, d.position",
    )


# A duty goes from each agency that a document names to whoever took over from it by the day.
_DUTIES: Final = """
WITH RECURSIVE named AS (
    SELECT d.id AS duty_id, one.agency, one.place, one.agency AS heir
    FROM law_duties d CROSS JOIN LATERAL unnest(d.responsible) WITH ORDINALITY AS one (agency, place)
    WHERE d.since <= :day AND (d.until IS NULL OR d.until >= :day)
      AND (CAST(:rule AS text) IS NULL OR :rule = ANY(d.rules))
      AND (CAST(:document AS text) IS NULL OR d.document_id = :document)
    UNION
    SELECT n.duty_id, n.agency, n.place, s.successor_id
    FROM named n JOIN agency_successions s ON s.predecessor_id = n.heir AND s.on_date <= :day
),
held AS (
    SELECT n.duty_id, n.place, n.agency, n.heir FROM named n
    WHERE NOT EXISTS (SELECT FROM agency_successions s WHERE s.predecessor_id = n.heir AND s.on_date <= :day)
)
SELECT d.id, d.document_id, d.number, d.article_id, d.since, d.until, d.task_zh, d.task_en, d.responsible_zh,
       d.participants_zh, d.others, d.rules,
       (SELECT jsonb_agg(jsonb_build_object(
               'id', h.heir, 'zh', a.name_zh, 'en', a.name_en, 'named', h.agency, 'named_zh', was.name_zh,
               'named_en', was.name_en
           ) ORDER BY h.place)
        FROM held h JOIN agencies a ON a.id = h.heir JOIN agencies was ON was.id = h.agency
        WHERE h.duty_id = d.id) AS holders
FROM law_duties d
WHERE EXISTS (SELECT FROM held h WHERE h.duty_id = d.id)
ORDER BY d.position
"""


async def read_duties_on(
    session: AsyncSession, day: date, *, rule: str | None = None, document: str | None = None
) -> list[Row]:
    """The duties in force on a day, each with `holders`: who has it that day, and whom the document named."""
    return await rows(session, _DUTIES, day=day, rule=rule, document=document)
