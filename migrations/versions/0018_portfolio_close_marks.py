"""By symbol the price revision that its closes were last written with: what changed is found without reading closes.

Closes that are there already need no row: nobody has read them yet who could ask what has changed since.
"""

from migration_steps import NewTable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="portfolio_close_marks",
    columns={
        "symbol": "{symbol} NOT NULL PRIMARY KEY",
        "price_revision": "{big} NOT NULL",
    },
    in_prices=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
