"""A word a symbol that is another one after its closes were written: what changed is found without reading closes.

A symbol whose closes were written before has no row until they are written again, and none is a mark like any other.
"""

from portfolio.adapters.database.migration_steps import NewTable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="portfolio_close_marks",
    columns={
        "symbol": "{symbol} NOT NULL PRIMARY KEY",
        "mark": "CHAR(32) NOT NULL",
    },
    in_prices=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
