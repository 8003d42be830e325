"""What a test is handed when it asks for a database: where it is, and as whom to go there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine

from portfolio.adapters.database.connection.timeouts import Timeouts
from portfolio.adapters.database.database import Database, open_database
from portfolio.adapters.database.schema.migration import migration_engine

DatabaseKind = Literal["sqlite", "mysql"]

PATIENCE_SECONDS = 60.0
"""The deadline of requests where a test is not about deadlines: how fast a machine is is no property of the code."""
PATIENT = Timeouts.within(PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUnderTest:
    """An empty database: no migration has run in it."""

    kind: DatabaseKind
    url: str
    """For the service: on MySQL its user may read and write rows, and nothing else."""
    migration_url: str
    """For migrations and for preparing a test: may do anything within both schemas."""
    prices_schema: str | None
    """The second database, for the price history; SQLite has but one file, and None."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that point a service at this database, for the processes that a test starts."""
        variables = {"PORTFOLIO_DATABASE_URL": self.url}
        if self.prices_schema is not None:
            variables["PORTFOLIO_PRICES_SCHEMA"] = self.prices_schema
        return variables

    def engine(self) -> Engine:
        """An engine as an administrator; on loopback, where reading all of the machine's certificates takes longer
        than to connect.
        """
        options: dict[str, Any] = {"ssl_disabled": True} if self.kind == "mysql" else {}
        return migration_engine(self.migration_url, **options)

    def opened(self, **options: Any) -> Database:
        """The adapter on this database, as a service's user; patient, unless the options have ``limits``."""
        return open_database(self.url, prices_schema=self.prices_schema, **{"limits": PATIENT, **options})


def sqlite_database_in(directory: Path) -> DatabaseUnderTest:
    """An SQLite database in a file, which does not exist until somebody connects."""
    url = f"sqlite+aiosqlite:///{directory / 'portfolio.db'}"
    return DatabaseUnderTest(kind="sqlite", url=url, migration_url=url, prices_schema=None)
