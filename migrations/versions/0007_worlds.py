"""How far the sample world is laid: the steps that are done, when it was whole, and what is built at its end.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("world", sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("world", sa.Column("deferred", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False))
    op.execute("UPDATE world SET finished_at = loaded_at")
    op.create_table(
        "world_step",
        sa.Column("world_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["world_id"], ["world.id"], name=op.f("fk_world_step_world_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("world_id", "step", name=op.f("pk_world_step")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON world_step TO irm_app")


def downgrade() -> None:
    op.drop_table("world_step")
    op.drop_column("world", "deferred")
    op.drop_column("world", "finished_at")
