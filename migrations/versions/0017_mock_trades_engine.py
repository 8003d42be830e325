"""Trades are found by their engine: of an engine with few of them, a page would read the whole table without."""

from migration_steps import Alteration, Key

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ALTERATION = Alteration(table="mock_trades", keys=(Key(name="idx_mock_trades_engine", columns=("engine",)),))


def upgrade() -> None:
    """Apply this step."""
    ALTERATION.apply()


def downgrade() -> None:
    """Take this step back."""
    ALTERATION.revert()
