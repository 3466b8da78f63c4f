"""Imports of files: batches, rows with their old values, remembered columns; serial number and age of an instrument.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("import_batch", "import_row", "import_column")


def upgrade() -> None:
    op.add_column("instrument", sa.Column("serial", sa.String(), nullable=True))
    op.add_column("instrument", sa.Column("acquired", sa.String(), nullable=True))
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("rows", "created", "changed", "unchanged", "refused")),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft','imported','undone')", name=op.f("ck_import_batch_state")),
        sa.CheckConstraint("created >= 0 AND changed >= 0 AND unchanged >= 0 AND refused >= 0", name=op.f("ck_import_batch_counts")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_import_batch_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("organisation_id", "request_id", name=op.f("uq_import_batch_organisation_id_request_id")),
    )
    op.create_index(op.f("ix_import_batch_organisation_id"), "import_batch", ["organisation_id"])
    op.create_table(
        "import_row",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("instrument_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("action IN ('created','changed')", name=op.f("ck_import_row_action")),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_row_batch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "row", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_instrument_id", "import_row", ["instrument_id"])
    op.create_table(
        "import_column",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_import_column_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "heading", name=op.f("pk_import_column")),
    )
    # Undoing an import removes instruments: without these indexes each one is looked for in every order and booking.
    op.create_index(op.f("ix_orders_instrument_id"), "orders", ["instrument_id"])
    op.create_index(op.f("ix_booking_instrument_id"), "booking", ["instrument_id"])
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE import_batch_id_seq TO irm_app")


def downgrade() -> None:
    op.drop_index(op.f("ix_booking_instrument_id"), "booking")
    op.drop_index(op.f("ix_orders_instrument_id"), "orders")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("instrument", "acquired")
    op.drop_column("instrument", "serial")
