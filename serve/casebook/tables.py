"""The tables of a casebook: one for each kind of record, the bytes of photos, and the audit log."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _text(name: str, optional: bool = False) -> Column[str]:
    return Column(name, Text, nullable=optional)


def _of(name: str, table: str, optional: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey(f"{table}.id"), nullable=optional, index=True)


def _record(name: str, *parts: Column[str] | Column[int] | Column[float] | Column[bool] | UniqueConstraint) -> Table:
    return Table(name, METADATA, Column("id", Text, primary_key=True), _text("by"), _text("at"), *parts)


originals = Table(
    "originals", METADATA, Column("sha256", Text, primary_key=True), Column("content", LargeBinary, nullable=False)
)
entries = Table(
    "entries",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("case_id", optional=True),
    _text("content"),
    _text("hash"),
    _text("signature"),
)
_record("cases", _text("ref"), _text("title"))
_record(
    "items",
    _of("case_id", "cases"),
    Column("number", Integer, nullable=False),
    _text("title"),
    UniqueConstraint("case_id", "number"),
)
_record(
    "photos",
    _of("item_id", "items"),
    Column("sha256", Text, ForeignKey("originals.sha256"), nullable=False),
    _text("file"),
    Column("size", Integer, nullable=False),
    UniqueConstraint("item_id", "sha256"),
)
_record(
    "results",
    _of("item_id", "items"),
    _of("photo_id", "photos", optional=True),
    _text("status"),
    _text("rule"),
    _text("answer", optional=True),
    Column("probability", Float(53), nullable=False),
    _text("probabilities"),
    Column("unfamiliarity", Float(53), nullable=False),
    _text("quality"),
    _text("bundle"),
    _text("software"),
)
_record("corrections", _of("item_id", "items"), _text("label"), _text("why"))
_record("notes", _of("case_id", "cases"), _of("item_id", "items", optional=True), _text("text"))
_record(
    "users",
    _text("login"),
    Column("number", Integer, nullable=False),
    _text("role"),
    _text("password"),
    Column("disabled", Boolean, nullable=False),
    UniqueConstraint("login", "number"),
)
