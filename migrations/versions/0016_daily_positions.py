"""What was held at the end of each day: what a period's result is told apart by."""

from migration_steps import NewTable

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="daily_positions",
    columns={
        "day": "DATE NOT NULL PRIMARY KEY",
        "positions": "{long_text} NOT NULL",
    },
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
