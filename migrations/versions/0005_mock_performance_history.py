"""The performance history, one row a day, in the shape that engines know."""

from migration_steps import Key, NewTable

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="mock_performance_history",
    columns={
        "id": "{int_id}",
        "date": "DATE NOT NULL",
        "portfolio_value": "{old_amount} NOT NULL",
        "cash_balance": "{old_amount} NOT NULL",
        "invested_amount": "{old_amount} NOT NULL",
        "daily_pnl": "{old_amount} NOT NULL DEFAULT 0",
        "daily_return": "{old_percent} NOT NULL DEFAULT 0",
        "cumulative_return": "{old_percent} NOT NULL DEFAULT 0",
        "num_positions": "{int} DEFAULT 0",
        "created_at": "{created}",
    },
    keys=(Key(name="unique_date", columns=("date",), unique=True),),
    shared=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
