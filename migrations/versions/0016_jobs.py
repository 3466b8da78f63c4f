"""The queue of jobs in a schema of its own, and what went wrong with a job.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The package's functions name their tables without a schema: each gets the path in which it finds them, so that a session of ours,
# whose path is another, can call them inside its transaction.
FIND = """
DO $$
DECLARE found regprocedure;
BEGIN
    FOR found IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'jobs'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', found);
    END LOOP;
END $$
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    with driver.cursor() as cursor:
        path = cursor.execute("SHOW search_path").fetchone()[0]
        cursor.execute("CREATE SCHEMA jobs")
        cursor.execute("SET LOCAL search_path TO jobs, pg_temp")
        cursor.execute(SchemaManager.get_schema())  # the pinned package brings its own tables; a newer one brings a migration
        cursor.execute("SELECT set_config('search_path', %s, true)", (path,))
    op.execute(FIND)
    op.create_table(
        "job_failure",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "key", "error", "clause")),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_failure")),
    )
    op.execute("GRANT USAGE ON SCHEMA jobs TO irm_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO irm_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO irm_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON job_failure TO irm_app")


def downgrade() -> None:
    op.drop_table("job_failure")
    op.execute("DROP SCHEMA jobs CASCADE")
