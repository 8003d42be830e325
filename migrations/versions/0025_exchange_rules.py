"""The rules of exchanges are kept; a signal says what of it can be executed, where, and what it waits for.

Signals from before say neither.
"""

from migration_steps import Alteration, Comments, NewTable

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

RULES = Comments(
    table="portfolio_exchange_rules",
    about="What each exchange takes of a trade, as it said at the last time of asking",
    columns={
        "venue": ("{name} NOT NULL", "the exchange"),
        "symbol": ("{symbol} NOT NULL", "the asset"),
        "quote": ("{symbol} NULL", "the currency that the exchange quotes it in"),
        "step": ("{amount} NULL", "a quantity is a multiple of this"),
        "tick": ("{amount} NULL", "a price is a multiple of this, in the currency of quote"),
        "min_quantity": ("{amount} NULL", "the least quantity of an order"),
        "min_notional": ("{amount} NULL", "the least that an order is worth, in USD"),
        "reason": ("{text} NULL", "why the rules are unknown, empty where they are known"),
        "fetched_at": ("{moment} NOT NULL", "UTC moment at which the exchange was asked"),
    },
)
TABLE = NewTable(
    name=RULES.table,
    columns={name: kind for name, (kind, _) in RULES.columns.items()},
    primary=("venue", "symbol"),
)

SIGNALS = Comments(
    table="portfolio_rebalance_signals",
    columns={
        "waits_for": ("{text} NULL", "symbols of the sales that a purchase waits for, with commas between them"),
        "executable_quantity": ("{amount} NULL", "units that the venue takes of the quantity, empty where unknown"),
        "venue": ("{name} NULL", "the exchange by whose rules that is"),
        "executable_reason": ("{text} NULL", "why nothing of it can be executed, or nobody knows"),
    },
)
SIGNAL_COLUMNS = Alteration(table=SIGNALS.table, add={name: kind for name, (kind, _) in SIGNALS.columns.items()})


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()
    RULES.apply()
    SIGNAL_COLUMNS.apply()
    SIGNALS.apply()


def downgrade() -> None:
    """Take this step back."""
    SIGNAL_COLUMNS.revert()
    TABLE.drop()
