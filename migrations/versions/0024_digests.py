"""Entries carry a chained digest, outcomes one of their own; adjustments say what a position cost.

The digests of entries from before stay empty: the service takes them into the chain when it first opens the books.
"""

from migration_steps import Alteration, Comments

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COMMENTS = (
    Comments(
        table="mock_portfolio",
        columns={"ledger_head": ("{digest} NULL", "digest of the newest entry, and so of all, empty before the first")},
    ),
    Comments(
        table="mock_trades",
        columns={"digest": ("{digest} NULL", "digest of this entry and of all before it")},
    ),
    Comments(
        table="portfolio_cash_transactions",
        columns={"digest": ("{digest} NULL", "digest of this entry and of all before it")},
    ),
    Comments(
        table="portfolio_position_adjustments",
        columns={
            "asset_cost_delta": ("{amount} NULL", "by how much its cost without fees changed, in USD"),
            "cost_basis_delta": ("{amount} NULL", "by how much its cost with fees changed, in USD"),
            "realized_delta": ("{amount} NULL", "by how much its realized result changed, in USD"),
            "avg_entry_price": ("{amount} NULL", "its average price after the entry, empty where it has none"),
        },
    ),
    Comments(
        table="portfolio_booking_outcomes",
        columns={"digest": ("{digest} NULL", "digest of this row")},
    ),
    Comments(
        table="portfolio_cash_refusals",
        columns={"digest": ("{digest} NULL", "digest of this row")},
    ),
)
ALTERATIONS = [
    Alteration(
        table=comments.table,
        add={name: kind for name, (kind, _) in comments.columns.items()},
        # Digests are made anew by the upgrade after a downgrade: an older version would not carry them on.
        kept_by="asset_cost_delta" if "asset_cost_delta" in comments.columns else "",
    )
    for comments in COMMENTS
]


def upgrade() -> None:
    """Apply this step."""
    for alteration, comments in zip(ALTERATIONS, COMMENTS, strict=True):
        alteration.apply()
        comments.apply()


def downgrade() -> None:
    """Take this step back, where no cost would be lost."""
    for alteration in reversed(ALTERATIONS):
        alteration.revert()
