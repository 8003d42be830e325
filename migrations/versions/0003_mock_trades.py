"""The executions, one row each, in the shape that engines know."""

from migration_steps import Key, NewTable

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="mock_trades",
    columns={
        "id": "{int_id}",
        "recommendation_id": "{int} NULL",
        "symbol": "{symbol} NOT NULL",
        "side": "{side} NOT NULL",
        "quantity": "{old_amount} NOT NULL",
        "price": "{old_amount} NOT NULL",
        "amount": "{old_amount} NOT NULL",
        "fee": "{old_amount} DEFAULT 0",
        "net_amount": "{old_amount} NOT NULL",
        "order_type": "{name} DEFAULT 'MARKET'",
        "status": "{order_status} DEFAULT 'FILLED'",
        "execution_time": "{second} NOT NULL",
        "created_at": "{created}",
        "notes": "{text}",
        "confidence": "{share} NULL",
        "regime": "{name} NULL",
    },
    keys=(
        Key(name="idx_mock_trades_symbol", columns=("symbol",)),
        Key(name="idx_mock_trades_execution_time", columns=("execution_time",)),
        Key(name="idx_mock_trades_status", columns=("status",)),
        Key(name="idx_mock_trades_recommendation_id", columns=("recommendation_id",)),
    ),
    shared=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
