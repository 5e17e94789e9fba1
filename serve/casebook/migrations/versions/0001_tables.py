"""The tables: records, the bytes of photos, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "originals",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_originals"),
    )
    op.create_table(
        "entries",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        text("case_id", nullable=True),
        text("content"),
        text("hash"),
        text("signature"),
        sa.PrimaryKeyConstraint("number", name="pk_entries"),
    )
    create_records("cases", text("ref"), text("title"))
    create_records(
        "items",
        text("case_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        text("title"),
        foreign("items", "case_id", "cases.id"),
        sa.UniqueConstraint("case_id", "number", name="uq_items_case_id_number"),
    )
    create_records(
        "photos",
        text("item_id"),
        text("sha256"),
        text("file"),
        sa.Column("size", sa.Integer(), nullable=False),
        foreign("photos", "item_id", "items.id"),
        foreign("photos", "sha256", "originals.sha256"),
        sa.UniqueConstraint("item_id", "sha256", name="uq_photos_item_id_sha256"),
    )
    create_records(
        "results",
        text("item_id"),
        text("photo_id", nullable=True),
        text("status"),
        text("rule"),
        text("answer", nullable=True),
        sa.Column("probability", sa.Float(53), nullable=False),
        text("probabilities"),
        sa.Column("unfamiliarity", sa.Float(53), nullable=False),
        text("quality"),
        text("bundle"),
        text("software"),
        foreign("results", "item_id", "items.id"),
        foreign("results", "photo_id", "photos.id"),
    )
    create_records(
        "corrections", text("item_id"), text("label"), text("why"), foreign("corrections", "item_id", "items.id")
    )
    create_records(
        "notes",
        text("case_id"),
        text("item_id", nullable=True),
        text("text"),
        foreign("notes", "case_id", "cases.id"),
        foreign("notes", "item_id", "items.id"),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


INDEXES = (
    ("items", "case_id"), ("photos", "item_id"), ("results", "item_id"), ("results", "photo_id"),
    ("corrections", "item_id"), ("notes", "case_id"), ("notes", "item_id"),
)  # fmt: skip


def create_records(table: str, *parts: sa.Column[str] | sa.Column[int] | sa.Column[float] | sa.Constraint) -> None:
    key = sa.PrimaryKeyConstraint("id", name=f"pk_{table}")
    op.create_table(table, text("id"), text("by"), text("at"), *parts, key)


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def downgrade() -> None:
    for table in ("notes", "corrections", "results", "photos", "items", "cases", "entries", "originals"):
        op.drop_table(table)
