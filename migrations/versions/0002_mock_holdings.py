"""The holdings, one row a symbol, in the shape that engines know."""

from migration_steps import Key, NewTable

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="mock_holdings",
    columns={
        "id": "{int_id}",
        "symbol": "{symbol} NOT NULL",
        "quantity": "{old_amount} NOT NULL DEFAULT 0",
        "avg_entry_price": "{old_amount} NOT NULL DEFAULT 0",
        "total_invested": "{old_amount} NOT NULL DEFAULT 0",
        "realized_pnl": "{old_amount} DEFAULT 0",
        "unrealized_pnl": "{old_amount} DEFAULT 0",
        "total_pnl": "{old_amount} DEFAULT 0",
        "last_price": "{old_amount} DEFAULT 0",
        "position_value": "{old_amount} DEFAULT 0",
        "updated_at": "{updated}",
        "created_at": "{created}",
    },
    keys=(Key(name="unique_mock_symbol", columns=("symbol",), unique=True),),
    shared=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
