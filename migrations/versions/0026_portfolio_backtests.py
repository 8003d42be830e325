"""Backtests as jobs: what was asked, how far it is, who computes it, and what came of it."""

from migration_steps import Comments, Key, NewTable

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COMMENTS = Comments(
    table="portfolio_backtests",
    about="Backtests: what was asked, how far they are, and what came of them",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of creation"),
        "backtest_id": ("{key} NOT NULL", "its name in the API"),
        "portfolio_id": ("{int} NOT NULL", "the portfolio that it was asked of"),
        "fingerprint": ("{digest} NOT NULL", "digest of all that decides the result: request, closes, policy, engine"),
        "closes": ("{digest} NOT NULL", "digest of the closes alone"),
        "request": ("{long_text} NOT NULL", "what was asked, as JSON"),
        "state": ("VARCHAR(12) NOT NULL", "queued, running, done, failed or cancelled"),
        "progress": ("{amount} NOT NULL", "the part that is computed, 0 to 1"),
        "created_at": ("{moment} NOT NULL", "UTC moment of the request"),
        "finished_at": ("{moment} NULL", "UTC moment at which it was done, failed or cancelled"),
        "error": ("{long_text} NULL", "why it failed"),
        "input": ("{blob} NULL", "all that it is computed of, until it has ended"),
        "checkpoint": ("{blob} NULL", "what was computed so far, until it has ended"),
        "result": ("{blob} NULL", "the figures"),
        "equity": ("{blob} NULL", "the value of each day"),
        "trades": ("{blob} NULL", "the trades"),
        "holder": ("{owner} NULL", "the instance that computes it"),
        "token": ("{big} NOT NULL", "fencing token, grows with each change of hands"),
        "expires_at": ("{moment} NULL", "UTC moment at which another instance may go on with it"),
        "attempts": ("{int} NOT NULL", "how often it was begun or gone on with since its last checkpoint"),
    },
)
TABLE = NewTable(
    name=COMMENTS.table,
    columns={**{name: kind for name, (kind, _) in COMMENTS.columns.items()}, "id": "{big_id}"},
    keys=(
        Key(name="unique_backtest", columns=("backtest_id",), unique=True),
        Key(name="idx_portfolio_backtests_fingerprint", columns=("fingerprint",)),
        Key(name="idx_portfolio_backtests_state", columns=("state", "id")),
    ),
)


def upgrade() -> None:
    """Apply this step."""
    TABLE.create()
    COMMENTS.apply()


def downgrade() -> None:
    """Take this step back."""
    TABLE.drop()
