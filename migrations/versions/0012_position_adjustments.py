"""By how much a baseline or an adjustment moved what the ledger knows of positions.

A downgrade keeps the table once it has a row; the upgrade after it finds it in place.
"""

from migration_steps import Key, NewTable

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="position_adjustments",
    columns={
        "id": "{big_id}",
        "movement_id": "{big} NOT NULL",
        "symbol": "{symbol} NOT NULL",
        "quantity_delta": "{amount} NOT NULL",
    },
    keys=(Key(name="idx_position_adjustments_movement", columns=("movement_id",)),),
    holds_entries=True,
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back, where no entry would be lost."""
    TABLE.drop()
