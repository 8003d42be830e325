"""Room for small-unit tokens, what the ledger knows of a position, and where its price is from.

A downgrade keeps these columns once a row has a value of `asset_cost`; the upgrade after it finds them in place.
"""

from migration_steps import Alteration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ALTERATION = Alteration(
    table="mock_holdings",
    widen={
        "quantity": "{amount} NOT NULL DEFAULT 0",
        "avg_entry_price": "{amount} NOT NULL DEFAULT 0",
        "total_invested": "{amount} NOT NULL DEFAULT 0",
        "realized_pnl": "{amount} DEFAULT 0",
        "unrealized_pnl": "{amount} DEFAULT 0",
        "total_pnl": "{amount} DEFAULT 0",
        "last_price": "{amount} DEFAULT 0",
        "position_value": "{amount} DEFAULT 0",
    },
    add={
        "asset_cost": "{amount} NULL",
        "ledger_quantity": "{amount} NOT NULL DEFAULT 0",
        "price_source": "{source} NULL",
        "price_at": "{moment} NULL",
    },
    kept_by="asset_cost",
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back, where nothing of the ledger would be lost."""
    ALTERATION.revert()
