"""Columns and a table of the service's own take the terms of the field: no row, type or key changes.

On MySQL and MariaDB a renamed table loses what was granted on it by name: grants on the whole database stay.
"""

from migration_steps import Renaming

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

RENAMINGS = (
    Renaming(table="mock_trades", columns={"basis_sold": "cost_basis_sold", "asset_delta": "notional_delta"}),
    Renaming(table="position_adjustments", columns={"movement_id": "cash_transaction_id"}),
    Renaming(table="cash_movements", columns={"client_movement_id": "client_transaction_id"}, to="cash_transactions"),
)


def upgrade() -> None:
    """Apply this step."""
    for renaming in RENAMINGS:
        renaming.apply()


def downgrade() -> None:
    """Take this step back."""
    for renaming in RENAMINGS:
        renaming.revert()
