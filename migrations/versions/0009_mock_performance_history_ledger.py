"""Unit value and running sums of a day: what time-weighted returns are made of.

A downgrade keeps these columns once a row has a value of `unit_value`; the upgrade after it finds them in place.
"""

from migration_steps import Alteration

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ALTERATION = Alteration(
    table="mock_performance_history",
    widen={
        "portfolio_value": "{amount} NOT NULL",
        "cash_balance": "{amount} NOT NULL",
        "invested_amount": "{amount} NOT NULL",
        "daily_pnl": "{amount} NOT NULL DEFAULT 0",
        "daily_return": "{percent} NOT NULL DEFAULT 0",
        "cumulative_return": "{percent} NOT NULL DEFAULT 0",
    },
    add={
        "unit_value": "{amount} NULL",
        "net_deposits": "{amount} NULL",
        "realized_pnl": "{amount} NULL",
        "trades": "{int} NULL",
        "wins": "{int} NULL",
        "losses": "{int} NULL",
        "gross_profit": "{amount} NULL",
        "gross_loss": "{amount} NULL",
    },
    kept_by="unit_value",
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back, where nothing of the ledger would be lost."""
    ALTERATION.revert()
