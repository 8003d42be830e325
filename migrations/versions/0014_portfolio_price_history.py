"""Prices as observed, and one close a day."""

from migration_steps import Key, NewTable

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="portfolio_price_history",
    columns={
        "id": "{big_id}",
        "symbol": "{symbol} NOT NULL",
        "granularity": "VARCHAR(4) NOT NULL",
        "observed_at": "{moment} NOT NULL",
        "price": "{amount} NOT NULL",
        "source": "{source} NOT NULL",
    },
    keys=(
        Key(
            name="unique_price",
            columns=(
                "symbol",
                "granularity",
                "observed_at",
            ),
            unique=True,
        ),
        Key(
            name="idx_price_history_age",
            columns=(
                "granularity",
                "observed_at",
            ),
        ),
    ),
    in_prices=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
