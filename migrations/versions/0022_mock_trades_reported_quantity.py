"""A trade keeps the quantity that was reported, where it closed a position but for a rounding and booked all of it."""

from migration_steps import Alteration, Comments

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ALTERATION = Alteration(table="mock_trades", add={"reported_quantity": "{amount} NULL"}, kept_by="reported_quantity")
COMMENTS = Comments(
    table="mock_trades",
    columns={
        "reported_quantity": (
            "{amount} NULL",
            "quantity as reported, where all that was held was booked instead",
        )
    },
)


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()
    COMMENTS.apply()


def downgrade() -> None:
    """Take this step back."""
    ALTERATION.revert()
