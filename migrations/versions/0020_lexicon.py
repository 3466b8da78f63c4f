"""Corrections to the lexicon.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lexicon_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("words", "kind")),
        sa.Column("types", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("note", "state")),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('proposed','in_force','rejected','undone')", name=op.f("ck_lexicon_entry_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon_entry")),
    )
    op.create_index(op.f("ix_lexicon_entry_state"), "lexicon_entry", ["state"])
    op.execute("GRANT SELECT, INSERT, UPDATE (state, row_version, decided_by, decided_at) ON lexicon_entry TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE lexicon_entry_id_seq TO irm_app")
    # the audit record outlives a way down and up again: a number that it tells of is not given to another row
    op.execute("SELECT setval(pg_get_serial_sequence('lexicon_entry', 'id'), 1 + coalesce((SELECT max(subject_id) FROM audit WHERE subject = 'lexicon_entry'), 0), false)")


def downgrade() -> None:
    op.drop_table("lexicon_entry")
