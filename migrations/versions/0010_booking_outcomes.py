"""What became of bookings, kept for every later copy of them.

A downgrade keeps the table once it has a row; the upgrade after it finds it in place.
"""

from migration_steps import Key, NewTable

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="booking_outcomes",
    columns={
        "id": "{big_id}",
        "owner": "{owner} NOT NULL",
        "client_trade_id": "{key} NULL",
        "fingerprint": "{digest} NOT NULL",
        "status": "VARCHAR(10) NOT NULL",
        "trade_id": "{int} NULL",
        "symbol": "{symbol} NOT NULL",
        "side": "VARCHAR(4) NOT NULL",
        "quantity": "{amount} NOT NULL",
        "price": "{amount} NOT NULL",
        "net_amount": "{amount} NOT NULL",
        "fees": "{amount} NOT NULL",
        "engine": "{engine} NULL",
        "outcome": "{long_text} NOT NULL",
        "decided_at": "{moment} NOT NULL",
    },
    keys=(
        Key(
            name="unique_outcome",
            # The client's id first: overrides look for it without knowing its owner.
            columns=("client_trade_id", "owner"),
            unique=True,
        ),
        Key(
            name="idx_booking_outcomes_status",
            columns=(
                "status",
                "id",
            ),
        ),
    ),
    holds_entries=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back, where no entry would be lost."""
    TABLE.drop()
