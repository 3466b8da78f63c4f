"""A need that is worded anew is no longer shown to whom its firm did not choose again.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT DELETE ON need_invitation TO irm_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON need_invitation FROM irm_app")
