"""Every table of the register: import this where the whole metadata is needed (migrations, tests)."""

from typing import Final

from sqlalchemy import ARRAY, DefaultClause, Sequence, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlmodel import SQLModel

from registry import (
    agencies,
    approvals,
    audit_tables,
    enterprises,
    findings,
    industries,
    keys,
    law_facts,
    law_texts,
    link_reviews,
    links,
    notices,
    obligation_tables,
    parameter_values,
    people,
    projects,
    records,
    regions,
    sources,
    suspects,
    syncing,
)
from registry.alerting import tables as alert_tables
from registry.cases import tables as case_tables
from registry.gate import tables as gate_tables
from registry.publishing import tables as publishing_tables
from registry.tips import tables as tip_tables

METADATA: Final = SQLModel.metadata

# Identities of historical rows and the order of dirty marks; COPY and set-based merges draw from them by name.
SEQUENCES: Final = (
    "record_sequence",
    "approval_sequence",
    "equipment_sequence",
    "law_fact_sequence",
    "dirty_mark_sequence",
)


def _give_defaults_to_sql() -> None:
    """Let every default hold for plain SQL too: rows are written set-based, past the models."""
    for table in METADATA.tables.values():
        for column in table.columns:
            if column.server_default is not None or column.default is None or column.primary_key:
                continue
            if isinstance(column.default, ScalarElementColumnDefault):
                value = column.default.arg
                literal = f"'{value}'" if isinstance(value, str) else str(value).lower()
                column.server_default = DefaultClause(text(literal))
            elif isinstance(column.type, ARRAY):
                column.server_default = DefaultClause(text("'{}'"))
            elif isinstance(column.type, JSONB):
                column.server_default = DefaultClause(text("'[]'" if column.name == "citation" else "'{}'"))


_give_defaults_to_sql()
for _name in SEQUENCES:
    Sequence(_name, metadata=METADATA)

__all__ = [
    "METADATA",
    "SEQUENCES",
    "agencies",
    "alert_tables",
    "approvals",
    "audit_tables",
    "case_tables",
    "enterprises",
    "findings",
    "gate_tables",
    "industries",
    "keys",
    "law_facts",
    "law_texts",
    "link_reviews",
    "links",
    "notices",
    "obligation_tables",
    "parameter_values",
    "people",
    "projects",
    "publishing_tables",
    "records",
    "regions",
    "sources",
    "suspects",
    "syncing",
    "tip_tables",
]
