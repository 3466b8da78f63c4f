"""Files of evidence: what is stored by its hash, who handed it in, and which document of a paper it is.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("sha256", "given", "mime")),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("coarse", sa.BigInteger(), nullable=True),
        sa.Column("fine", sa.LargeBinary(), nullable=True),
        sa.Column("bands", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("read", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scanned", sa.String(), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$' AND given ~ '^[0-9a-f]{64}$'", name=op.f("ck_evidence_file_hashes")),
        sa.CheckConstraint("size > 0 AND pages >= 0", name=op.f("ck_evidence_file_size")),
        sa.CheckConstraint("scanned IN ('clean', 'infected')", name=op.f("ck_evidence_file_scanned")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_evidence_file_sha256")),
    )
    op.create_index(op.f("ix_evidence_file_given"), "evidence_file", ["given"])
    op.create_index("ix_evidence_file_bands", "evidence_file", ["bands"], postgresql_using="gin", postgresql_with={"fastupdate": "off"})
    op.create_index("ix_evidence_file_invoice", "evidence_file", [sa.text("(read ->> 'invoice')")])
    op.create_index("ix_evidence_file_unscanned", "evidence_file", ["id"], postgresql_where=sa.text("scanned IS NULL"))
    op.create_table(
        "evidence_upload",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["evidence_file.id"], name=op.f("fk_evidence_upload_file_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_evidence_upload_organisation_id")),
        sa.PrimaryKeyConstraint("file_id", "organisation_id", name=op.f("pk_evidence_upload")),
    )
    op.add_column("evidence", sa.Column("file_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_evidence_file_id"), "evidence", "evidence_file", ["file_id"], ["id"])
    op.create_index("uq_evidence_file_id", "evidence", ["file_id"], unique=True, postgresql_where=sa.text("file_id IS NOT NULL"))
    op.execute("GRANT SELECT, INSERT, DELETE, UPDATE (scanned, scanned_at) ON evidence_file TO irm_app")
    op.execute("GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON evidence_upload TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE evidence_file_id_seq TO irm_app")


def downgrade() -> None:
    op.drop_column("evidence", "file_id")
    op.drop_table("evidence_upload")
    op.drop_table("evidence_file")
