"""The audit seal: the transaction of each audit record, blocks, leaves, items, published roots, keys of persons.

Revision ID: 0015
Revises: 0014
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("audit_shape", "audit_block", "audit_leaf", "audit_item", "audit_root")

# Policies that no record names yet: the seal leads to rows from records alone.
PUBLISHED = """
INSERT INTO audit (role, subject, subject_id, event, before, after, reason, policy_version_id, detail)
SELECT 'system', 'policy_version', p.id, 'publish', '', '', '', p.id, '{}' FROM policy_version p
WHERE NOT EXISTS (SELECT FROM audit a WHERE a.policy_version_id = p.id) ORDER BY p.id
"""

# A posting whose refusal is an answer: the subtransaction stands inside the function and costs no round trips of its own.
LEDGER_ASK = """
CREATE OR REPLACE FUNCTION ledger_ask(p_request text, p_kind text, p_at timestamptz, p_date date, p_audit bigint,
                           p_sources text[], p_destinations text[], p_amounts bigint[], OUT made bigint, OUT said text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_constraint text;
BEGIN
    made := public.ledger_post(p_request, p_kind, p_at, p_date, p_audit, p_sources, p_destinations, p_amounts);
EXCEPTION
    WHEN check_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        said := CASE v_constraint WHEN 'ck_account_no_overdraft' THEN 'overdraft' ELSE 'other' END;
    WHEN integrity_constraint_violation OR numeric_value_out_of_range THEN
        said := 'other';
    WHEN SQLSTATE 'IR001' THEN
        said := 'request_id';
END $$;
"""

# Whoever checks the books reads every rule of theirs.
READ_RULES = r"""
DO $$ DECLARE v_view text; BEGIN
    FOR v_view IN SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'invariant\_%' LOOP
        EXECUTE format('GRANT SELECT ON %I TO irm_app', v_view);
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(LEDGER_ASK)
    op.execute("REVOKE ALL ON FUNCTION ledger_ask FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ledger_ask TO irm_app")
    op.add_column("audit", sa.Column("txid", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False))
    op.create_index("ix_audit_txid_id", "audit", ["txid", "id"])
    op.create_table(
        "audit_shape",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_shape"),
        sa.UniqueConstraint("digest", name="uq_audit_shape_digest"),
    )
    op.create_table(
        "audit_block",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("shape_id", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("tree", sa.LargeBinary(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("era", sa.String(), nullable=False),
        sa.Column("next_txid", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shape_id"], ["audit_shape.id"], name="fk_audit_block_shape_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_block"),
        sa.UniqueConstraint("head", name="uq_audit_block_head"),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("audit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["audit_block.id"], name="fk_audit_leaf_block_id"),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit_leaf"),
        sa.UniqueConstraint("block_id", "position", name="uq_audit_leaf_block_id_position"),
    )
    op.create_table(
        "audit_item",
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("fixed", sa.LargeBinary(), nullable=False),
        sa.Column("moving", sa.LargeBinary(), nullable=True),
        sa.Column("personal", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["audit_id"], ["audit_leaf.audit_id"], name="fk_audit_item_audit_id"),
        sa.PrimaryKeyConstraint("table_name", "row_id", "version", name="pk_audit_item"),
    )
    op.create_index("ix_audit_item_audit_id", "audit_item", ["audit_id"])
    op.create_table(
        "audit_root",
        sa.Column("block_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["audit_block.id"], name="fk_audit_root_block_id"),
        sa.PrimaryKeyConstraint("block_id", name="pk_audit_root"),
    )
    op.create_table(
        "person_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_person_key"),
        sa.UniqueConstraint("person", name="uq_person_key_person"),
    )
    for table in TABLES:
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(TABLES)}, person_key TO irm_app")
    op.execute("GRANT UPDATE (key, destroyed_at) ON person_key TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE audit_shape_id_seq, person_key_id_seq TO irm_app")
    op.execute(PUBLISHED)
    op.execute(READ_RULES)


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS ledger_ask(text, text, timestamptz, date, bigint, text[], text[], bigint[])")
    for table in ("person_key", *reversed(TABLES)):
        op.drop_table(table)
    op.drop_index("ix_audit_txid_id", "audit")
    op.drop_column("audit", "txid")
