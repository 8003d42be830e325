"""The prices database, where the server has more than one."""

from migration_steps import create_prices_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    create_prices_schema()


def downgrade() -> None:
    """Leave the database: other services keep their tables there."""
