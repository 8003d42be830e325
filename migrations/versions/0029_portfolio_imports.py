"""Imports of files: when each was booked and of which account, and what came by it, so that nothing comes twice."""

from migration_steps import Comments, Key, NewTable

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

IMPORT_COMMENTS = Comments(
    table="portfolio_imports",
    about="Imports of files: when each was booked, and what its files were",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of booking"),
        "portfolio_id": ("{int} NOT NULL", "the portfolio into which it was booked"),
        "imported_at": ("{moment} NOT NULL", "UTC moment at which it was booked"),
        "account": ("{key} NOT NULL", "the account that its files are of, as it was named, may be empty"),
        "files": ("{long_text} NOT NULL", "as JSON, each file with its name, its format and how many rows became what"),
        "state": ("{name} NOT NULL", "booked"),
    },
)
ROW_COMMENTS = Comments(
    table="portfolio_import_rows",
    about="What came from files, by which it is known when it comes again",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order of the rows in their files"),
        "import_id": ("{big} NOT NULL", "the import by which it came"),
        "account": ("{key} NOT NULL", "the account, as its import has it"),
        "family": ("{name} NOT NULL", "the formats that have their ids in common"),
        "format": ("{name} NOT NULL", "the format of the file"),
        "external_id": ("{key} NULL", "what its format calls it, empty as long as no file has said that"),
        "content": ("VARCHAR(32) NOT NULL", "digest of when it was, what it was, and what changed"),
        "effective_at": ("{moment} NOT NULL", "UTC moment at which it was"),
        "ledger_revision": ("{big} NULL", "the ledger revision of its first entry, empty where it moved nothing"),
    },
)
IMPORTS = NewTable(
    name=IMPORT_COMMENTS.table,
    columns={**{name: kind for name, (kind, _) in IMPORT_COMMENTS.columns.items()}, "id": "{big_id}"},
    holds_entries=True,
)
ROWS = NewTable(
    name=ROW_COMMENTS.table,
    columns={**{name: kind for name, (kind, _) in ROW_COMMENTS.columns.items()}, "id": "{big_id}"},
    keys=(
        Key(name="unique_import_row", columns=("account", "family", "external_id"), unique=True),
        Key(name="idx_portfolio_import_rows_import", columns=("import_id",)),
    ),
    holds_entries=True,
)


def upgrade() -> None:
    """Apply this step."""
    IMPORTS.create()
    IMPORT_COMMENTS.apply()
    ROWS.create()
    ROW_COMMENTS.apply()


def downgrade() -> None:
    """Take this step back, where nothing was imported."""
    ROWS.drop()
    IMPORTS.drop()
