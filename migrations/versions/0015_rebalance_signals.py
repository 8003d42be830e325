"""Trades that plans asked for, kept until somebody claims them, carries them out, or their time is over."""

from migration_steps import Key, NewTable

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="rebalance_signals",
    columns={
        "id": "{big_id}",
        "signal_id": "{key} NOT NULL",
        "portfolio_id": "{int} NOT NULL",
        "symbol": "{symbol} NOT NULL",
        "action": "VARCHAR(4) NOT NULL",
        "reason": "VARCHAR(40) NOT NULL",
        "also": "VARCHAR(255) NOT NULL",
        "quantity": "{amount} NOT NULL",
        "trade_value": "{amount} NOT NULL",
        "estimated_fee": "{amount} NOT NULL",
        "current_allocation": "{amount} NOT NULL",
        "target_allocation": "{amount} NOT NULL",
        "priority": "VARCHAR(10) NOT NULL",
        "confidence": "{amount} NOT NULL",
        "evidence": "{long_text} NOT NULL",
        "ledger_revision": "{big} NOT NULL",
        "price_revision": "{big} NOT NULL",
        "policy_id": "VARCHAR(64) NOT NULL",
        "statistics_day": "DATE NOT NULL",
        "state": "{digest} NOT NULL",
        "created_at": "{moment} NOT NULL",
        "expires_at": "{moment} NOT NULL",
        "status": "VARCHAR(12) NOT NULL",
        "acknowledged_by": "{owner} NULL",
        "acknowledged_at": "{moment} NULL",
        "executed_trade_id": "{int} NULL",
        "superseded_by": "{key} NULL",
    },
    keys=(
        Key(name="unique_signal", columns=("signal_id",), unique=True),
        Key(name="idx_rebalance_signals_status", columns=("status", "id")),
    ),
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
