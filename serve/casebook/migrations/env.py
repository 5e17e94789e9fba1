"""Alembic runs this: the revisions are applied on the connection, and in the transaction, of who asked for them."""

from alembic import context

from serve.casebook.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
