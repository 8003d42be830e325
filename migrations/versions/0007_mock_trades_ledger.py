"""What makes a row an entry of the ledger. In rows of other programs all of it stays empty.

A downgrade keeps these columns once a row has a value of `ledger_revision`; the upgrade after it finds them in place.
"""

from migration_steps import Alteration, Key

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ALTERATION = Alteration(
    table="mock_trades",
    widen={
        "quantity": "{amount} NOT NULL",
        "price": "{amount} NOT NULL",
        "amount": "{amount} NOT NULL",
        "fee": "{amount} DEFAULT 0",
        "net_amount": "{amount} NOT NULL",
        "execution_time": "{moment} NOT NULL",
        "confidence": "{amount} NULL",
        "notes": "{long_text}",
    },
    add={
        "client_trade_id": "{key} NULL",
        "booked_by": "{owner} NULL",
        "fingerprint": "{digest} NULL",
        "cash_delta": "{amount} NULL",
        "asset_delta": "{amount} NULL",
        "basis_sold": "{amount} NULL",
        "realized_pnl": "{amount} NULL",
        "closes": "{flag} NULL",
        "ledger_revision": "{big} NULL",
        "portfolio_id": "{int} NULL",
        "engine": "{engine} NULL",
        "signal_id": "{reference} NULL",
        "recommendation_ref": "{reference} NULL",
        "reverses_trade_id": "{int} NULL",
        "booked_at": "{moment} NULL",
    },
    keys=(
        Key(
            name="unique_booking",
            columns=(
                "booked_by",
                "client_trade_id",
            ),
            unique=True,
        ),
        Key(name="unique_reversal", columns=("reverses_trade_id",), unique=True),
        Key(name="unique_ledger_revision", columns=("ledger_revision",), unique=True),
        Key(name="idx_mock_trades_fingerprint", columns=("fingerprint",)),
    ),
    kept_by="ledger_revision",
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back, where nothing of the ledger would be lost."""
    ALTERATION.revert()
