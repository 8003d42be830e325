"""The tables of the service's own begin with `portfolio_`: no column, row, type or key changes.

On MySQL and MariaDB a renamed table loses what was granted on it by name: grant again, see docs/grants.sql.
"""

from migration_steps import Renaming

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

RENAMINGS = tuple(
    Renaming(table=name, to=f"portfolio_{name}")
    for name in (
        "booking_outcomes",
        "cash_transactions",
        "position_adjustments",
        "leases",
        "rebalance_signals",
        "daily_positions",
    )
)


def upgrade() -> None:
    """Apply this step."""
    for renaming in RENAMINGS:
        renaming.apply()


def downgrade() -> None:
    """Take this step back."""
    for renaming in RENAMINGS:
        renaming.revert()
