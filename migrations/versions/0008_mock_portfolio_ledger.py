"""The ledger's sums beside what the row says, and its revisions.

A downgrade keeps these columns once a row has a value of `ledger_cash`; the upgrade after it finds them in place.
"""

from migration_steps import Alteration

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ALTERATION = Alteration(
    table="mock_portfolio",
    widen={
        "total_value": "{amount} NOT NULL DEFAULT 100000",
        "cash_balance": "{amount} NOT NULL DEFAULT 100000",
        "invested_amount": "{amount} NOT NULL DEFAULT 0",
        "total_pnl": "{amount} NOT NULL DEFAULT 0",
        "total_pnl_percent": "{percent} DEFAULT 0",
        "largest_win": "{amount} DEFAULT 0",
        "largest_loss": "{amount} DEFAULT 0",
        "sharpe_ratio": "{percent} NULL",
        "max_drawdown": "{percent} DEFAULT 0",
    },
    add={
        "revision": "{big} NOT NULL DEFAULT 0",
        "price_revision": "{big} NOT NULL DEFAULT 0",
        "net_deposits": "{amount} NOT NULL DEFAULT 0",
        "realized_pnl": "{amount} NOT NULL DEFAULT 0",
        "fees_paid": "{amount} NOT NULL DEFAULT 0",
        "ledger_cash": "{amount} NULL",
        "unit_count": "{amount} NOT NULL DEFAULT 0",
        "unit_value": "{amount} NOT NULL DEFAULT 1",
        "booked_trades": "{int} NOT NULL DEFAULT 0",
        "booked_wins": "{int} NOT NULL DEFAULT 0",
        "booked_losses": "{int} NOT NULL DEFAULT 0",
        "gross_profit": "{amount} NOT NULL DEFAULT 0",
        "gross_loss": "{amount} NOT NULL DEFAULT 0",
    },
    kept_by="ledger_cash",
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back, where nothing of the ledger would be lost."""
    ALTERATION.revert()
