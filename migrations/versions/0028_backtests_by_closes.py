"""Backtests are found by their closes: what a sweep says counts the trials of all others on the same ones."""

from migration_steps import Alteration, Key

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ALTERATION = Alteration(
    table="portfolio_backtests",
    keys=(Key(name="idx_portfolio_backtests_closes", columns=("closes", "state", "id")),),
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back."""
    ALTERATION.revert()
