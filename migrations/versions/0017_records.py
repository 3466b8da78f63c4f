"""What is known of a provider for ranking: specifications as intervals in SI, and a carrier's record of deliveries and answers.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

# Text is read in Python, so a trigger only says what has to be read. It takes the row of the queue before it looks at the intervals: whoever reads
# an older text has that row locked, and what he writes is thrown away here or read anew from the row that is put back.
FOLLOWS = f"""
CREATE FUNCTION limit_follows() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO instrument_limit_due AS d (instrument_id) SELECT id FROM fresh WHERE specs <> '{{}}' ORDER BY id
        ON CONFLICT (instrument_id) DO UPDATE SET turn = d.turn + 1;
    ELSE
        INSERT INTO instrument_limit_due AS d (instrument_id)
        SELECT id FROM gone JOIN fresh USING (id) WHERE gone.specs IS DISTINCT FROM fresh.specs ORDER BY id
        ON CONFLICT (instrument_id) DO UPDATE SET turn = d.turn + 1;
        DELETE FROM instrument_limit WHERE instrument_id IN (
            SELECT id FROM gone JOIN fresh USING (id) WHERE gone.specs IS DISTINCT FROM fresh.specs);
    END IF;
    RETURN NULL;
END $$
"""

# Empty once nothing waits: an interval of an instrument that has no specifications, or specifications that nobody has read.
DRIFT = """
CREATE VIEW instrument_limit_drift AS
SELECT i.id, 'unread' AS fault FROM instrument i
WHERE i.specs <> '{}' AND NOT EXISTS (SELECT FROM instrument_limit_read r WHERE r.instrument_id = i.id AND r.of = md5(i.specs::text))
AND NOT EXISTS (SELECT FROM instrument_limit_due d WHERE d.instrument_id = i.id)
UNION ALL
SELECT l.instrument_id, 'left over' FROM instrument_limit l JOIN instrument i ON i.id = l.instrument_id WHERE i.specs = '{}'
"""

# Judgements count real orders only, or what happened in the sample world between invented parties: a real name never carries a sample's mark.
# Delivered in time: the first report came no later than the day that both agreed on. Answer: from the offer to what the carrier said, a day for none.
RECORD_NOW = """
CREATE VIEW carrier_record_now AS
WITH told AS (
    SELECT o.id, o.carrier_id, o.report_on,
           min(a.at) FILTER (WHERE a.event = 'offer') AS offered,
           min(a.at) FILTER (WHERE a.event IN ('accept', 'counter') OR a.event = 'cancel' AND a.role = 'carrier') AS answered,
           bool_or(a.event = 'timeout' AND a.before = 'offered') AS unanswered,
           min(a.at) FILTER (WHERE a.event = 'deliver') AS delivered,
           bool_or(a.event = 'dispute') AS disputed
    FROM orders o JOIN organisation c ON c.id = o.carrier_id JOIN audit a ON a.subject = 'orders' AND a.subject_id = o.id
    WHERE NOT o.is_sample OR c.is_sample GROUP BY o.id)
SELECT carrier_id AS organisation_id,
       count(delivered)::integer AS delivered,
       (count(*) FILTER (WHERE (delivered AT TIME ZONE 'Asia/Shanghai')::date <= report_on))::integer AS on_time,
       (count(*) FILTER (WHERE delivered IS NOT NULL AND NOT disputed))::integer AS undisputed,
       (count(*) FILTER (WHERE offered IS NOT NULL AND (answered IS NOT NULL OR unanswered)))::integer AS answers,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
           WHEN offered IS NULL THEN NULL
           WHEN answered IS NOT NULL THEN least(extract(epoch FROM answered - offered) / 3600, 24)
           WHEN unanswered THEN 24 END)::float8 AS answer_hours
FROM told GROUP BY carrier_id
"""

REFRESH = f"""
CREATE FUNCTION carrier_records_refresh() RETURNS integer LANGUAGE plpgsql {_DEFINER} AS $$
DECLARE changed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('carrier_record'));
    CREATE TEMP TABLE carrier_record_new ON COMMIT DROP AS SELECT * FROM carrier_record_now;
    DELETE FROM carrier_record r WHERE NOT EXISTS (SELECT FROM carrier_record_new n WHERE n.organisation_id = r.organisation_id);
    INSERT INTO carrier_record AS r (organisation_id, delivered, on_time, undisputed, answers, answer_hours)
    SELECT organisation_id, delivered, on_time, undisputed, answers, answer_hours FROM carrier_record_new ORDER BY organisation_id
    ON CONFLICT (organisation_id) DO UPDATE SET (delivered, on_time, undisputed, answers, answer_hours)
        = (excluded.delivered, excluded.on_time, excluded.undisputed, excluded.answers, excluded.answer_hours)
    WHERE (r.delivered, r.on_time, r.undisputed, r.answers, r.answer_hours)
        IS DISTINCT FROM (excluded.delivered, excluded.on_time, excluded.undisputed, excluded.answers, excluded.answer_hours);
    GET DIAGNOSTICS changed = ROW_COUNT;
    UPDATE carrier_usual SET taken_at = clock_timestamp(), (on_time, undisputed, answer_hours) = (
        SELECT sum(on_time)::float8 / nullif(sum(delivered), 0), sum(undisputed)::float8 / nullif(sum(delivered), 0),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY answer_hours) FROM carrier_record_new);
    DROP TABLE carrier_record_new;
    RETURN changed;
END $$
"""


def upgrade() -> None:
    owner = sa.ForeignKey("instrument.id", ondelete="CASCADE")
    op.create_table(
        "instrument_limit",
        sa.Column("instrument_id", sa.BigInteger(), owner, nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("si_unit", sa.String(), nullable=False),
        sa.Column("finer", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", "nth", name=op.f("pk_instrument_limit")),
    )
    op.create_table(
        "instrument_limit_read",
        sa.Column("instrument_id", sa.BigInteger(), sa.ForeignKey("instrument.id", ondelete="CASCADE"), nullable=False),
        sa.Column("of", sa.String(), nullable=False),
        sa.Column("parser", sa.Integer(), nullable=False, index=True),
        sa.PrimaryKeyConstraint("instrument_id", name=op.f("pk_instrument_limit_read")),
    )
    op.create_table(
        "instrument_limit_due",
        sa.Column("instrument_id", sa.BigInteger(), sa.ForeignKey("instrument.id", ondelete="CASCADE"), nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", name=op.f("pk_instrument_limit_due")),
    )
    op.create_table(
        "carrier_record",
        sa.Column("organisation_id", sa.BigInteger(), sa.ForeignKey("organisation.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("delivered", "on_time", "undisputed", "answers")),
        sa.Column("answer_hours", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_carrier_record")),
        sa.CheckConstraint(
            "on_time <= delivered AND undisputed <= delivered AND delivered >= 0 AND answers >= 0", name=op.f("ck_carrier_record_counts")
        ),
    )
    op.create_table(
        "carrier_usual",
        sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1", name=op.f("ck_carrier_usual_one")), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Float(), nullable=True) for name in ("on_time", "undisputed", "answer_hours")),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_usual")),
    )
    op.execute("INSERT INTO carrier_usual (id) VALUES (1)")
    for statement in (FOLLOWS, DRIFT, RECORD_NOW, REFRESH):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER limit_insert AFTER INSERT ON instrument REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION limit_follows()"
    )
    op.execute(
        "CREATE TRIGGER limit_update AFTER UPDATE ON instrument REFERENCING OLD TABLE AS gone NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION limit_follows()"
    )
    op.execute("INSERT INTO instrument_limit_due (instrument_id) SELECT id FROM instrument WHERE specs <> '{}'")
    op.execute("REVOKE ALL ON FUNCTION carrier_records_refresh() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION carrier_records_refresh() TO irm_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON instrument_limit TO irm_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON instrument_limit_read TO irm_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON instrument_limit_due TO irm_app")
    op.execute("GRANT SELECT ON carrier_record, carrier_usual, carrier_record_now, instrument_limit_drift TO irm_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION carrier_records_refresh()")
    op.execute("DROP VIEW carrier_record_now, instrument_limit_drift")
    op.execute("DROP TRIGGER limit_insert ON instrument")
    op.execute("DROP TRIGGER limit_update ON instrument")
    op.execute("DROP FUNCTION limit_follows()")
    for name in ("carrier_usual", "carrier_record", "instrument_limit_due", "instrument_limit_read", "instrument_limit"):
        op.drop_table(name)
