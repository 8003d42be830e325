"""The portfolio, in practice one row, in the shape that engines know."""

from migration_steps import NewTable

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="mock_portfolio",
    columns={
        "id": "{int_id}",
        "total_value": "{old_amount} NOT NULL DEFAULT 100000",
        "cash_balance": "{old_amount} NOT NULL DEFAULT 100000",
        "invested_amount": "{old_amount} NOT NULL DEFAULT 0",
        "total_pnl": "{old_amount} NOT NULL DEFAULT 0",
        "total_pnl_percent": "{old_percent} DEFAULT 0",
        "total_trades": "{int} DEFAULT 0",
        "winning_trades": "{int} DEFAULT 0",
        "losing_trades": "{int} DEFAULT 0",
        "win_rate": "{rate} DEFAULT 0",
        "largest_win": "{old_amount} DEFAULT 0",
        "largest_loss": "{old_amount} DEFAULT 0",
        "sharpe_ratio": "{old_percent} NULL",
        "max_drawdown": "{old_percent} DEFAULT 0",
        "updated_at": "{updated}",
        "created_at": "{created}",
    },
    shared=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
