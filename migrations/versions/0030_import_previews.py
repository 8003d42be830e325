"""Previews of imports, kept until they are booked; and of each import which entries it made, and which took it back."""

from migration_steps import Alteration, Comments, Key, NewTable

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

IMPORTS = Comments(
    table="portfolio_imports",
    columns={
        "preview_id": ("{key} NULL", "the preview that it was booked by, empty where it had none"),
        "first_revision": ("{big} NULL", "the ledger revision of its first entry, empty where it made none"),
        "last_revision": ("{big} NULL", "the ledger revision of its last entry"),
        "reversed_at": ("{moment} NULL", "UTC moment at which it was taken back as a whole"),
        "reversed_first": ("{big} NULL", "the ledger revision of the first entry that took it back"),
        "reversed_last": ("{big} NULL", "the ledger revision of the last entry that took it back"),
    },
)
IMPORT_COLUMNS = Alteration(
    table=IMPORTS.table,
    add={name: kind for name, (kind, _) in IMPORTS.columns.items()},
    keys=(Key(name="unique_import_preview", columns=("preview_id",), unique=True),),
    kept_by="first_revision",
)
ROWS = Comments(
    table="portfolio_import_rows",
    columns={"former_id": ("{key} NULL", "the external_id that it had until its import was taken back")},
)
ROW_COLUMNS = Alteration(
    table=ROWS.table, add={name: kind for name, (kind, _) in ROWS.columns.items()}, kept_by="former_id"
)

PREVIEW_COMMENTS = Comments(
    table="portfolio_import_previews",
    about="Files that were looked at and may be booked, no part of the books and deleted when they are old",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in the order in which they came"),
        "preview_id": ("{key} NOT NULL", "what clients call it"),
        "portfolio_id": ("{int} NOT NULL", "the portfolio into which it may be booked"),
        "owner": ("{key} NOT NULL", "the name of the key that it came with, empty where the service is open"),
        "created_at": ("{moment} NOT NULL", "UTC moment at which it came"),
        "expires_at": ("{moment} NOT NULL", "UTC moment after which it is deleted"),
        "request": ("{long_text} NOT NULL", "as JSON, how the files are to be read, and their names"),
        "state": ("{name} NOT NULL", "open or booked"),
        "import_id": ("{big} NULL", "the import that was made of it, empty where nothing was new"),
    },
)
PART_COMMENTS = Comments(
    table="portfolio_import_parts",
    about="What belongs to previews of imports, packed and cut: files, rates, and the answer of the booking",
    columns={
        "id": ("BIGINT NOT NULL AUTO_INCREMENT", "in order"),
        "preview_id": ("{key} NOT NULL", "the preview that it is of"),
        "kind": ("{name} NOT NULL", "file, rates or answer"),
        "place": ("{int} NOT NULL", "the number of the file, from 0"),
        "content": ("{blob} NOT NULL", "a part of its bytes, compressed"),
    },
)
PREVIEWS, PARTS = (
    NewTable(
        name=comments.table,
        columns={**{name: kind for name, (kind, _) in comments.columns.items()}, "id": "{big_id}"},
        keys=(key,),
    )
    for comments, key in (
        (PREVIEW_COMMENTS, Key(name="unique_preview", columns=("preview_id",), unique=True)),
        (PART_COMMENTS, Key(name="idx_portfolio_import_parts_preview", columns=("preview_id",))),
    )
)


def upgrade() -> None:
    """Apply this step."""
    IMPORT_COLUMNS.apply()
    IMPORTS.apply()
    ROW_COLUMNS.apply()
    ROWS.apply()
    PREVIEWS.create()
    PREVIEW_COMMENTS.apply()
    PARTS.create()
    PART_COMMENTS.apply()


def downgrade() -> None:
    """Take this step back, where no import would be lost."""
    PARTS.drop()
    PREVIEWS.drop()
    ROW_COLUMNS.revert()
    IMPORT_COLUMNS.revert()
