"""Needs that firms post, what carriers answer, and messages to organisations.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CHANGEABLE = {
    "need_post": "site_id, region, state, visibility, version, text, types, budget, due, answer_hours, answer_by, ends_at, posted_at, order_id, reason, "
    "row_version",
    "need_answer": "version, state, instrument_id, service_code, price, start, stop, report_days, note, reason, row_version, changed_at, created_by",
}
OFFER = ("instrument_id", "service_code", "price", "start", "stop", "report_days")
WHOLE = " AND ".join(f"{name} IS NOT NULL" for name in OFFER)
NONE = " AND ".join(f"{name} IS NULL" for name in OFFER)
REASONS = "('no_capacity', 'not_able', 'too_far', 'too_soon', 'too_cheap', 'other')"
CLOSING = "('solved_elsewhere', 'no_carrier', 'not_a_service', 'firm_gave_up')"

INVARIANT = """
CREATE VIEW invariant_need AS
SELECT n.id, n.state, c.sent, c.picked FROM need_post n CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.state = 'sent') AS sent, count(*) FILTER (WHERE a.state = 'picked') AS picked,
           count(*) FILTER (WHERE a.state = 'sent' AND a.version <> n.version) AS stale FROM need_answer a WHERE a.need_id = n.id) c
WHERE (n.state = 'answered') <> (c.sent > 0) OR (n.state = 'picked') <> (c.picked = 1) OR c.stale > 0
"""
"""Answers stand only while a need is answered, and to its present wording; a picked need has the one answer that became its order."""


def _key(name="id"):
    return sa.Column(name, sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _whole(*names, null=False):
    return [sa.Column(name, sa.Integer(), nullable=null) for name in names]


def _ids(*names, null=False):
    return [sa.Column(name, sa.BigInteger(), nullable=null) for name in names]


def _words(*names, null=False):
    return [sa.Column(name, sa.String(), nullable=null) for name in names]


def _instants(*names, null=False):
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=null) for name in names]


def _made():
    now = sa.text("clock_timestamp()")
    return [sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False), *_whole("created_by", null=True)]


def _sample():
    return sa.Column("is_sample", sa.Boolean(), nullable=False)


def _refers(table, **to):
    return [sa.ForeignKeyConstraint([name], [target], name=op.f(f"fk_{table}_{name}")) for name, target in to.items()]


def upgrade() -> None:
    _posts()
    _beside()
    _answers()
    op.create_table(
        "message", _key(), *_ids("organisation_id"), *_words("kind", "subject"), *_ids("subject_id"), *_words("text"),
        sa.Column("params", JSONB(), nullable=False), *_words("href"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        *_instants("read_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")), *_refers("message", organisation_id="organisation.id"),
    )  # fmt: skip
    op.create_index(op.f("ix_message_organisation_id_id"), "message", ["organisation_id", "id"])
    op.create_index("ix_message_unread", "message", ["organisation_id"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index(op.f("ix_message_created_at"), "message", ["created_at"])
    for table, columns in CHANGEABLE.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO irm_app")
    op.execute("GRANT SELECT, INSERT ON need_version, need_invitation, need_note TO irm_app")
    op.execute("GRANT SELECT, INSERT, DELETE, UPDATE (read_at) ON message TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE need_post_id_seq, need_answer_id_seq, need_note_id_seq, message_id_seq TO irm_app")
    # the audit record outlives a way down and up again: a number that it tells of is not given to another row
    op.execute("SELECT setval(pg_get_serial_sequence('need_post', 'id'), 1 + coalesce((SELECT max(subject_id) FROM audit WHERE subject = 'need_post'), 0), false)")
    op.execute("SELECT setval(pg_get_serial_sequence('need_answer', 'id'), 1 + coalesce((SELECT max(subject_id) FROM audit WHERE subject = 'need_answer'), 0), false)")
    op.execute(INVARIANT)
    op.execute("GRANT SELECT ON invariant_need TO irm_app")


def _posts():
    op.create_table(
        "need_post", _key(), *_words("code"), *_ids("enterprise_id"), *_ids("site_id", null=True), sa.Column("region", sa.CHAR(6), nullable=True),
        *_words("state", "visibility"), *_whole("version"), *_words("text"), sa.Column("types", ARRAY(sa.Text()), nullable=False),
        *_ids("budget", null=True), sa.Column("due", sa.Date(), nullable=True), *_whole("answer_hours"),
        *_instants("answer_by", "ends_at", "posted_at"), *_ids("order_id", null=True), *_words("reason"), *_whole("row_version"), *_made(), _sample(),
        sa.CheckConstraint("state IN ('open', 'answered', 'picked', 'withdrawn', 'expired', 'closed')", name=op.f("ck_need_post_state")),
        sa.CheckConstraint("visibility IN ('public', 'chosen', 'private')", name=op.f("ck_need_post_visibility")),
        sa.CheckConstraint(f"reason = '' AND state <> 'closed' OR reason IN {CLOSING} AND state = 'closed'", name=op.f("ck_need_post_reason")),
        sa.CheckConstraint("(state = 'picked') = (order_id IS NOT NULL)", name=op.f("ck_need_post_order")),
        sa.CheckConstraint("budget > 0 AND answer_hours > 0 AND answer_by <= ends_at AND length(text) BETWEEN 1 AND 10000", name=op.f("ck_need_post_terms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_post")), sa.UniqueConstraint("code", name=op.f("uq_need_post_code")),
        *_refers("need_post", enterprise_id="organisation.id", site_id="site.id", region="region.adcode", order_id="orders.id"),
    )  # fmt: skip
    live = sa.text("state IN ('open', 'answered')")
    op.create_index(op.f("ix_need_post_enterprise_id_id"), "need_post", ["enterprise_id", "id"])
    op.create_index(op.f("ix_need_post_region_state"), "need_post", ["region", "state"])
    op.create_index("ix_need_post_live", "need_post", ["types"], postgresql_using="gin", postgresql_where=live)
    op.create_index("ix_need_post_ends_at", "need_post", ["ends_at"], postgresql_where=live)


def _beside():
    op.create_table(
        "need_version", *_ids("need_id"), *_whole("version"), *_words("text"), sa.Column("understood", JSONB(), nullable=False),
        sa.Column("constraints", JSONB(), nullable=False), *_ids("budget", null=True), sa.Column("due", sa.Date(), nullable=True),
        *_words("visibility"), *_whole("answer_hours"), *_made(),
        sa.PrimaryKeyConstraint("need_id", "version", name=op.f("pk_need_version")), *_refers("need_version", need_id="need_post.id"),
    )  # fmt: skip
    op.create_table(
        "need_invitation", *_ids("need_id", "carrier_id"), *_words("role"), *_made(),
        sa.CheckConstraint("role IN ('enterprise', 'reviewer')", name=op.f("ck_need_invitation_role")),
        sa.PrimaryKeyConstraint("need_id", "carrier_id", name=op.f("pk_need_invitation")),
        *_refers("need_invitation", need_id="need_post.id", carrier_id="organisation.id"),
    )  # fmt: skip
    op.create_index(op.f("ix_need_invitation_carrier_id"), "need_invitation", ["carrier_id"])
    op.create_table(
        "need_note", _key(), *_ids("need_id"), *_words("text"), *_made(),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 1000", name=op.f("ck_need_note_text")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_note")), *_refers("need_note", need_id="need_post.id"),
    )  # fmt: skip
    op.create_index(op.f("ix_need_note_need_id"), "need_note", ["need_id"])


def _answers():
    states = "('sent', 'declined', 'withdrawn', 'outdated', 'picked', 'passed', 'lapsed')"
    op.create_table(
        "need_answer", _key(), *_ids("need_id", "carrier_id"), *_whole("version"), *_words("state"), *_ids("instrument_id", null=True),
        *_words("service_code", null=True), *_ids("price", null=True), *_instants("start", "stop", null=True), *_whole("report_days", null=True),
        *_words("note", "reason"), *_whole("row_version"), *_made(), *_instants("changed_at"), _sample(),
        sa.CheckConstraint(f"state IN {states}", name=op.f("ck_need_answer_state")),
        sa.CheckConstraint(f"{WHOLE} AND price > 0 AND start < stop OR {NONE} AND state NOT IN ('sent', 'picked')", name=op.f("ck_need_answer_offer")),
        sa.CheckConstraint(f"state = 'declined' AND reason IN {REASONS} OR state <> 'declined' AND reason = ''", name=op.f("ck_need_answer_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_answer")), sa.UniqueConstraint("need_id", "carrier_id", name=op.f("uq_need_answer_need_id_carrier_id")),
        *_refers("need_answer", need_id="need_post.id", carrier_id="organisation.id", instrument_id="instrument.id", service_code="service.code"),
    )  # fmt: skip
    op.create_index(op.f("ix_need_answer_carrier_id"), "need_answer", ["carrier_id"])
    op.create_index(op.f("ix_need_answer_instrument_id"), "need_answer", ["instrument_id"])


def downgrade() -> None:
    op.execute("DROP VIEW invariant_need")
    for table in ("message", "need_answer", "need_note", "need_invitation", "need_version", "need_post"):
        op.drop_table(table)
