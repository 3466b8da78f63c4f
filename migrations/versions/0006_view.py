"""What the list of a view asks for: the weekdays with a session, and the open instruments by price and out of order."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A weekday counts when its first session reads "HH:MM" < "HH:MM": then at least one session of that day can be booked. A day that is written
# otherwise is left out, which only means that it is looked at more closely.
_FIRST = "(hours #>> '{{{0},0,0}}')", "(hours #>> '{{{0},0,1}}')"
_DAY = "CASE WHEN length({0}) = 5 AND length({1}) = 5 AND {0} < {1} THEN {2} ELSE 0 END"
OPEN_DAYS = " + ".join(_DAY.format(*(part.format(day) for part in _FIRST), 1 << (day - 1)) for day in range(1, 8))


def upgrade() -> None:
    op.execute(f"ALTER TABLE instrument ADD COLUMN open_days integer NOT NULL GENERATED ALWAYS AS ({OPEN_DAYS}) STORED")
    op.execute("CREATE INDEX ix_instrument_open_days ON instrument (open_days) WHERE is_open AND status = 'working'")
    op.execute("CREATE INDEX ix_open_instrument_price_id ON open_instrument (price, id)")
    op.execute("CREATE INDEX ix_open_instrument_idle ON open_instrument (id) WHERE status <> 'working'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_open_instrument_idle")
    op.execute("DROP INDEX ix_open_instrument_price_id")
    op.execute("ALTER TABLE instrument DROP COLUMN open_days")
