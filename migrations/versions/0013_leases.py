"""Who may do what only one instance may do."""

from migration_steps import NewTable

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = NewTable(
    name="leases",
    columns={
        "name": "VARCHAR(64) NOT NULL PRIMARY KEY",
        "holder": "{owner} NOT NULL",
        "token": "{big} NOT NULL",
        "expires_at": "{moment} NOT NULL",
    },
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
