"""Who takes part: notices and objections, papers of joining, accreditations, members and invitations; a carrier that is not open has nothing open.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What the application may change of each table; everything else of a row stays as it was written.
CHANGEABLE = {
    "notice": "state, row_version",
    "objection": "state, row_version, reason, reviewer_id, answered_at",
    "enrolment": "state, row_version, means, contact_name, contact_phone, answer, reviewer_id, submitted_at",
    "carrier_entry": "state, row_version, means, contact_name, contact_phone, answer, suspended_for, reviewer_id, submitted_at",
    "accreditation": "state, row_version, reviewer_id",
    "party_document": "issued_on, file_sha",
    "invitation": "state, row_version, used_by, used_at",
}

# Whatever opens an instrument of a carrier that is not open, it waits with its carrier.
PAUSE = """
CREATE FUNCTION pause_instruments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh n JOIN carrier_entry e ON e.organisation_id = n.organisation_id AND e.state <> 'open' WHERE n.is_open) THEN
        INSERT INTO instrument_pause (instrument_id, organisation_id)
        SELECT n.id, n.organisation_id FROM fresh n JOIN carrier_entry e ON e.organisation_id = n.organisation_id AND e.state <> 'open'
        WHERE n.is_open ORDER BY n.id ON CONFLICT DO NOTHING;
        UPDATE instrument i SET is_open = false WHERE is_open AND EXISTS (SELECT FROM instrument_pause p WHERE p.instrument_id = i.id)
            AND id IN (SELECT id FROM fresh);
    END IF;
    RETURN NULL;
END $$;
"""

# A carrier that is not open has no open instrument.
INVARIANT = """
CREATE VIEW invariant_carrier AS
SELECT i.id AS instrument_id, e.id AS carrier_entry_id, e.state FROM instrument i
JOIN carrier_entry e ON e.organisation_id = i.organisation_id AND e.state <> 'open' WHERE i.is_open
"""


def _id():
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _words(*names, **more):
    return [sa.Column(name, sa.String(), nullable=False, **more) for name in names]


def _created():
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def _person(name):
    return sa.Column(name, sa.Integer(), nullable=True)


def _instant(name):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _stateful():
    return [*_words("state"), sa.Column("row_version", sa.Integer(), nullable=False)]


def _owner(table):
    return [
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f(f"fk_{table}_organisation_id")),
    ]


def upgrade() -> None:
    op.drop_constraint(op.f("ck_organisation_kind"), "organisation")
    op.create_check_constraint(op.f("ck_organisation_kind"), "organisation", "kind IN ('enterprise','team','carrier','authority','applicant')")
    _notices()
    _entry("enrolment", "'draft','submitted','returned','checked','refused'")
    _entry(
        "carrier_entry",
        "'draft','submitted','returned','checked','refused','noticed','open','suspended','withdrawn'",
        *_words("suspended_for"),
        sa.CheckConstraint(
            "suspended_for IN ('','accreditation','officer') AND (suspended_for <> '') = (state = 'suspended')", name=op.f("ck_carrier_entry_suspended_for")
        ),
    )
    _proofs()
    _members()
    for table, columns in CHANGEABLE.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO irm_app")
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO irm_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON instrument_pause TO irm_app")
    op.execute(PAUSE)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER pause_{event.lower()} AFTER {event} ON instrument REFERENCING NEW TABLE AS fresh "
            "FOR EACH STATEMENT EXECUTE FUNCTION pause_instruments()"
        )
    op.execute(INVARIANT)


def _entry(table, states, *more):
    op.create_table(
        table,
        _id(),
        *_owner(table),
        *_stateful(),
        *_words("means", "contact_name", "contact_phone", "answer"),
        _person("reviewer_id"),
        _instant("submitted_at"),
        _person("created_by"),
        _created(),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.CheckConstraint(f"state IN ({states})", name=op.f(f"ck_{table}_state")),
        sa.CheckConstraint("means IN ('documents')", name=op.f(f"ck_{table}_means")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("organisation_id", name=op.f(f"uq_{table}_organisation_id")),
        *more,
    )
    op.create_index(op.f(f"ix_{table}_state_submitted_at"), table, ["state", "submitted_at"])


def _proofs():
    op.create_table(
        "accreditation",
        _id(),
        *_owner("accreditation"),
        *_words("kind", "number"),
        sa.Column("expires_on", sa.Date(), nullable=False),
        *_stateful(),
        _person("reviewer_id"),
        _person("created_by"),
        _created(),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state IN ('submitted','checked','refused')", name=op.f("ck_accreditation_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accreditation")),
        sa.UniqueConstraint("organisation_id", "kind", "number", "expires_on", name=op.f("uq_accreditation_organisation_id_kind_number_expires_on")),
    )
    op.create_index(
        "uq_accreditation_checked", "accreditation", ["kind", "number", "expires_on"], unique=True, postgresql_where=sa.text("state = 'checked'")
    )
    op.create_table(
        "party_document",
        _id(),
        *_owner("party_document"),
        *_words("kind", "number"),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("file_sha", sa.String(), nullable=True),
        _person("created_by"),
        _created(),
        sa.CheckConstraint("file_sha IS NULL OR file_sha ~ '^[0-9a-f]{64}$'", name=op.f("ck_party_document_file_sha")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_document")),
        sa.UniqueConstraint("organisation_id", "kind", "number", name=op.f("uq_party_document_organisation_id_kind_number")),
    )
    op.create_table(
        "instrument_pause",
        sa.Column("instrument_id", sa.BigInteger(), nullable=False),
        *_owner("instrument_pause"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("fk_instrument_pause_instrument_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("instrument_id", name=op.f("pk_instrument_pause")),
    )
    op.create_index(op.f("ix_instrument_pause_organisation_id"), "instrument_pause", ["organisation_id"])


def _members():
    op.add_column("membership", sa.Column("is_admin", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE membership m SET is_admin = true WHERE id = (SELECT min(id) FROM membership f WHERE f.organisation_id = m.organisation_id)")
    op.create_table(
        "invitation",
        _id(),
        *_owner("invitation"),
        *_words("secret", "role"),
        sa.Column("region", sa.CHAR(6), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        *_stateful(),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        _person("created_by"),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        _instant("used_at"),
        _created(),
        sa.CheckConstraint("state IN ('open','accepted','revoked')", name=op.f("ck_invitation_state")),
        sa.ForeignKeyConstraint(["used_by"], ["app_user.id"], name=op.f("fk_invitation_used_by")),
        sa.ForeignKeyConstraint(["region"], ["region.adcode"], name=op.f("fk_invitation_region")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret", name=op.f("uq_invitation_secret")),
    )
    op.create_index(op.f("ix_invitation_organisation_id"), "invitation", ["organisation_id"])


def _notices():
    op.create_table(
        "notice",
        _id(),
        *_words("subject"),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        *_words("title"),
        sa.Column("region", sa.CHAR(6), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        *_words("state"),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        _created(),
        sa.CheckConstraint("state IN ('running','over','stopped')", name=op.f("ck_notice_state")),
        sa.CheckConstraint("ends > starts", name=op.f("ck_notice_ends")),
        sa.ForeignKeyConstraint(["region"], ["region.adcode"], name=op.f("fk_notice_region")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_subject", "notice", ["subject", "subject_id"])
    op.create_index("ix_notice_ends", "notice", ["ends"])
    op.create_index(op.f("ix_notice_region"), "notice", ["region"])
    op.create_index("uq_notice_running", "notice", ["subject", "subject_id"], unique=True, postgresql_where=sa.text("state = 'running'"))
    op.create_table(
        "objection",
        _id(),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        *_words("text", "name", "contact"),
        sa.Column("user_id", sa.Integer(), nullable=True),
        *_words("state"),
        sa.Column("row_version", sa.Integer(), nullable=False),
        *_words("reason"),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        _created(),
        sa.CheckConstraint("state IN ('open','upheld','dismissed')", name=op.f("ck_objection_state")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_objection_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    op.create_index(op.f("ix_objection_notice_id"), "objection", ["notice_id"])


def downgrade() -> None:
    op.execute("DROP VIEW invariant_carrier")
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER pause_{event} ON instrument")
    op.execute("DROP FUNCTION pause_instruments")
    for table in ("invitation", "instrument_pause", "party_document", "accreditation", "carrier_entry", "enrolment"):
        op.drop_table(table)
    op.drop_column("membership", "is_admin")
    # Who only applied to be a carrier has no place in the older structure; an enterprise is the nearest there.
    op.execute("UPDATE organisation SET kind = 'enterprise' WHERE kind = 'applicant'")
    op.drop_constraint(op.f("ck_organisation_kind"), "organisation")
    op.create_check_constraint(op.f("ck_organisation_kind"), "organisation", "kind IN ('enterprise','team','carrier','authority')")
    op.drop_table("objection")
    op.drop_table("notice")
