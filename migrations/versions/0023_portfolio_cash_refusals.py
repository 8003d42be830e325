"""Refused cash transactions with a key are kept, so that the key is answered the same for good."""

from migration_steps import Comments, Key, NewTable

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COMMENTS = Comments(
    table="portfolio_cash_refusals",
    about="Deposits and withdrawals with a key that were refused",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of the decisions"),
        "portfolio_id": ("{int} NOT NULL", "mock_portfolio.id"),
        "owner": ("{owner} NOT NULL", "whose request it was"),
        "client_transaction_id": ("{key} NOT NULL", "the key of the client, unique within the owner"),
        "fingerprint": ("{digest} NOT NULL", "digest of what was asked for"),
        "error": ("{reference} NOT NULL", "the kind of the refusal"),
        "detail": ("{long_text} NOT NULL", "the reason of the refusal"),
        "decided_at": ("{moment} NOT NULL", "UTC moment of the decision"),
    },
)
TABLE = NewTable(
    name=COMMENTS.table,
    columns={**{name: kind for name, (kind, _) in COMMENTS.columns.items()}, "id": "{big_id}"},
    keys=(Key(name="unique_cash_refusal", columns=("owner", "client_transaction_id"), unique=True),),
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()
    COMMENTS.apply()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
