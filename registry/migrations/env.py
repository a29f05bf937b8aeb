"""Alembic's entry: runs on the connection that registry.migrations.upgrade hands over."""

from typing import Any

from alembic import context

from registry.tables import METADATA

# Indexes with an operator class: the tables' classes do not say them, so autogenerate would drop them each time.
BY_LIKENESS = frozenset({"project_versions_name", "enterprise_names_name"})


def included(_thing: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Whether autogenerate looks at something."""
    return not (kind == "index" and name in BY_LIKENESS)


connection = context.config.attributes["connection"]
# asyncpg's cached plans break when types change under them, so one migration run is one transaction on one connection.
context.configure(connection=connection, target_metadata=METADATA, compare_type=True, include_object=included)
with context.begin_transaction():
    context.run_migrations()
