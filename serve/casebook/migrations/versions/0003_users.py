"""The users of the page."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REFUSAL = "a casebook is only added to"


def upgrade() -> None:
    op.create_table(
        "users",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "by", "at", "login", "role", "password")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login", "number", name="uq_users_login_number"),
    )
    if op.get_context().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER users_no_{action.lower()} BEFORE {action} ON users "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER users_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON users "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    op.drop_table("users")
