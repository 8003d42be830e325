"""Which lots a sale takes, where somebody picked them."""

from migration_steps import Comments, NewTable

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

COMMENTS = Comments(
    table="portfolio_lot_picks",
    about="Which lots sales take, where somebody picked them. The latest row of a sale counts",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of picking"),
        "portfolio_id": ("{int} NOT NULL", "the portfolio of the sale"),
        "trade_id": ("{big} NOT NULL", "the sale"),
        "lots": ("{long_text} NOT NULL", "as JSON, the ledger revision of each lot and the quantity taken of it"),
        "picked_by": ("{key} NOT NULL", "who picked them, may be empty"),
        "picked_at": ("{moment} NOT NULL", "UTC moment at which they were picked"),
        "ledger_revision": ("{big} NOT NULL", "the ledger revision that was looked at"),
    },
)
PICKS = NewTable(
    name=COMMENTS.table,
    columns={**{name: kind for name, (kind, _) in COMMENTS.columns.items()}, "id": "{big_id}"},
    holds_entries=True,
)


def upgrade() -> None:
    """Apply this step."""
    PICKS.create()
    COMMENTS.apply()


def downgrade() -> None:
    """Take this step back, where nothing was picked."""
    PICKS.drop()
