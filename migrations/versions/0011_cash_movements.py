"""Entries of the ledger that are no trades: deposits, withdrawals, the baseline, adjustments.

A downgrade keeps the table once it has a row; the upgrade after it finds it in place.
"""

from migration_steps import Key, NewTable

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="cash_movements",
    columns={
        "id": "{big_id}",
        "portfolio_id": "{int} NOT NULL",
        "kind": "{name} NOT NULL",
        "cash_delta": "{amount} NOT NULL",
        "net_deposits_delta": "{amount} NOT NULL",
        "realized_delta": "{amount} NOT NULL",
        "value_before": "{amount} NOT NULL",
        "moved_at": "{moment} NOT NULL",
        "ledger_revision": "{big} NOT NULL",
        "owner": "{owner} NOT NULL",
        "client_movement_id": "{key} NULL",
        "fingerprint": "{digest} NULL",
        "note": "{long_text} NULL",
        "cash_after": "{amount} NOT NULL",
        "net_deposits_after": "{amount} NOT NULL",
    },
    keys=(
        Key(
            name="unique_movement",
            columns=(
                "owner",
                "client_movement_id",
            ),
            unique=True,
        ),
        Key(name="unique_movement_revision", columns=("ledger_revision",), unique=True),
    ),
    holds_entries=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back, where no entry would be lost."""
    TABLE.drop()
