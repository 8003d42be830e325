"""Where migrations run: on a connection handed over, on a URL, or nowhere but in a script.

By hand: `alembic -x url=mysql+pymysql://... -x prices_schema=crypto_prices upgrade head`, or without a database
`alembic upgrade base:head --sql`. Without `-x` the service's own settings in the environment count.
"""

import os
import sys

from alembic import context
from migration_script import Script
from sqlalchemy import Connection

from portfolio.adapters.database.connection.tls import tls_of
from portfolio.adapters.database.schema.migration import VERSION_TABLE, migration_engine
from portfolio.settings import read_settings

config = context.config
given = context.get_x_argument(as_dictionary=True)
config.attributes.setdefault(
    "prices_schema",
    given.get("prices_schema", os.environ.get("PORTFOLIO_PRICES_SCHEMA", "crypto_prices")),
)


def run_offline() -> None:
    """Write the script."""
    dialect = config.attributes.get("dialect") or given.get("dialect", "mysql")
    start, end = context.get_starting_revision_argument(), context.get_revision_argument()
    out = config.output_buffer or sys.stdout
    if dialect != "sqlite" and end is not None and str(end) > str(start or ""):
        abouts = {script.revision: script.doc for script in context.script.walk_revisions()}
        out = Script(out, abouts, start=str(start or ""), end=str(end), dialect=dialect)
    context.configure(
        dialect_name=dialect, version_table=VERSION_TABLE, transactional_ddl=dialect == "sqlite", output_buffer=out
    )
    with context.begin_transaction():
        context.run_migrations()
        if dialect != "sqlite":
            context.execute("COMMIT")  # the last version stamp, for a client that does not commit by itself


def run_online() -> None:
    """Run the migrations, on MySQL statement by statement, on SQLite all in one transaction."""
    connection = config.attributes.get("connection")
    if connection is None:
        settings = read_settings()
        url = given.get("url") or settings.database_url
        with migration_engine(url, tls=tls_of(settings)).connect() as connection:
            run_on(connection)
    else:
        run_on(connection)


def run_on(connection: Connection) -> None:
    """Run them on a connection."""
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        transaction_per_migration=not sqlite,
        transactional_ddl=sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
