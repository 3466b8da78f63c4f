"""Lists of needs that officers have worked out at once.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("region", sa.CHAR(6), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("days", "part", "evenness")),
        *(sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=False) for name in ("entries", "lines")),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting','ready','dropped')", name=op.f("ck_campaign_state")),
        sa.CheckConstraint("days BETWEEN 7 AND 90 AND part BETWEEN 1 AND 100 AND evenness BETWEEN 0 AND 100", name=op.f("ck_campaign_terms")),
        sa.ForeignKeyConstraint(["region"], ["region.adcode"], name=op.f("fk_campaign_region")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_region"), "campaign", ["region"])
    op.execute("GRANT SELECT, INSERT, UPDATE (state, row_version, entries, lines, done_at) ON campaign TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE campaign_id_seq TO irm_app")
    # the audit record outlives a way down and up again: a number that it tells of is not given to another row
    op.execute("SELECT setval(pg_get_serial_sequence('campaign', 'id'), 1 + coalesce((SELECT max(subject_id) FROM audit WHERE subject = 'campaign'), 0), false)")


def downgrade() -> None:
    op.drop_table("campaign")
