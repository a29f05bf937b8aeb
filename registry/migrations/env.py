"""Alembic's entry: runs on the connection that registry.migrations.upgrade hands over."""

from alembic import context

from registry.tables import METADATA

connection = context.config.attributes["connection"]
# asyncpg's cached plans break when types change under them, so one migration run is one transaction on one connection.
context.configure(connection=connection, target_metadata=METADATA, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
