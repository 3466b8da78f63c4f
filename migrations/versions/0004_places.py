"""Places below the county: townships, zones and settlements."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "place",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("other_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("adcode", sa.CHAR(6), nullable=False),
        sa.Column("geom", Geometry("POINT", 4326, spatial_index=False, from_text="ST_GeomFromEWKT", name="geometry")),
        sa.Column("population", sa.Integer()),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('township','zone','settlement')", name=op.f("ck_place_kind")),
        sa.ForeignKeyConstraint(["adcode"], ["region.adcode"], name=op.f("fk_place_adcode"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("code", name=op.f("uq_place_code")),
    )
    op.create_index(op.f("ix_place_adcode"), "place", ["adcode"])
    op.create_index("gix_place_geom", "place", ["geom"], postgresql_using="gist")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON place TO irm_app")


def downgrade() -> None:
    op.drop_table("place")
