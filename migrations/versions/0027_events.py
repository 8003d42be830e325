"""Entries that are events: what came or left, beside trades and money, and which trades belong together.

Entries from before have none of it.
"""

from migration_steps import Alteration, Comments, Key

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TRANSACTIONS = Comments(
    table="portfolio_cash_transactions",
    columns={
        "flow_value": ("{amount} NULL", "of an event, the market value of what came in, below zero of what left"),
        "effective_at": ("{moment} NULL", "of an event, UTC moment at which it happened, empty in other entries"),
        "is_basis_assumed": ("{flag} NULL", "of an event, whether nobody stated the cost of what came"),
        "ratio": ("{amount} NULL", "of a split or an exchange, how many of the new there are for one of the old"),
        "label": ("{name} NULL", "of income, what it is from"),
        "group_id": ("{key} NULL", "what this entry has in common with others, such as the trades of a swap"),
        "reverses_revision": ("{big} NULL", "the ledger revision of the event that this one takes out"),
    },
)
TRANSACTION_COLUMNS = Alteration(
    table=TRANSACTIONS.table,
    add={name: kind for name, (kind, _) in TRANSACTIONS.columns.items()},
    keys=(Key(name="unique_event_reversal", columns=("reverses_revision",), unique=True),),
    kept_by="effective_at",
)

TRADES = Comments(
    table="mock_trades",
    columns={"group_id": ("{key} NULL", "what this trade has in common with other entries, such as a swap")},
)
TRADE_COLUMNS = Alteration(
    table=TRADES.table, add={name: kind for name, (kind, _) in TRADES.columns.items()}, kept_by="group_id"
)


def upgrade() -> None:
    """Apply this step."""
    TRANSACTION_COLUMNS.apply()
    TRANSACTIONS.apply()
    TRADE_COLUMNS.apply()
    TRADES.apply()


def downgrade() -> None:
    """Take this step back, where no entry would be lost."""
    TRADE_COLUMNS.revert()
    TRANSACTION_COLUMNS.revert()
