"""Budgets with funds, stripes and an end; applications with two reviews and a waiting list; the ways of money for co-funding and recovery.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LEDGER_POST = r"""
CREATE OR REPLACE FUNCTION ledger_post(p_request text, p_kind text, p_at timestamptz, p_date date, p_audit bigint,
                            p_sources text[], p_destinations text[], p_amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_content text := md5(jsonb_build_array(p_kind, p_sources, p_destinations, p_amounts)::text);
    v_transfer bigint; v_known text; v_source record; v_destination record; v_from text[]; v_to text[]; v_way text;
BEGIN
    IF coalesce(cardinality(p_amounts), 0) = 0 OR cardinality(p_sources) <> cardinality(p_amounts)
       OR cardinality(p_destinations) <> cardinality(p_amounts) THEN
        RAISE EXCEPTION 'a transfer needs postings with source, destination and amount' USING ERRCODE = 'check_violation';
    END IF;
    -- Money goes only where the chart says, and never from one voucher to another: whatever a caller asks for.
    FOR i IN 1 .. cardinality(p_amounts) LOOP
        v_from := string_to_array(p_sources[i], ':');
        v_to := string_to_array(p_destinations[i], ':');
        v_way := v_from[1] || ' ' || v_to[1];
        IF NOT coalesce(p_amounts[i] > 0 AND v_from[2] <> '' AND v_to[2] <> '' AND CASE
            WHEN v_way IN ({anybody}) THEN true
            WHEN v_way IN ({one_owner}) THEN v_from[2] = v_to[2]
            WHEN v_way IN ({one_purpose}) THEN v_from[2] = v_to[2] AND v_from[3] = v_to[3]
            ELSE false END, false) THEN
            RAISE EXCEPTION 'no such way for money: % fen from % to %', p_amounts[i], p_sources[i], p_destinations[i] USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    -- The request id first: a second caller waits here for the first to commit, then answers the same.
    INSERT INTO transfer (request_id, kind, at, business_date, audit_id, content) VALUES (p_request, p_kind, p_at, p_date, p_audit, v_content)
    ON CONFLICT (request_id) DO NOTHING RETURNING id INTO v_transfer;
    IF v_transfer IS NULL THEN
        SELECT id, content INTO v_transfer, v_known FROM transfer WHERE request_id = p_request;
        IF v_known <> v_content THEN
            RAISE EXCEPTION 'request id % was used for another transfer', p_request USING ERRCODE = 'IR001';
        END IF;
        RETURN v_transfer;
    END IF;
    -- A balance row that does not exist locks nothing: make the zero rows, then lock all in id order.
    INSERT INTO account (code, kind) SELECT DISTINCT c, split_part(c, ':', 1) FROM unnest(p_sources || p_destinations) c
    WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.code = c) ORDER BY 1 ON CONFLICT (code) DO NOTHING;
    PERFORM 1 FROM account WHERE code = ANY (p_sources || p_destinations) ORDER BY id FOR UPDATE;
    FOR i IN 1 .. cardinality(p_amounts) LOOP
        UPDATE account SET balance = balance - p_amounts[i], version = version + 1 WHERE code = p_sources[i]
        RETURNING id, balance, version INTO STRICT v_source;
        UPDATE account SET balance = balance + p_amounts[i], version = version + 1 WHERE code = p_destinations[i]
        RETURNING id, balance, version INTO STRICT v_destination;
        INSERT INTO posting (transfer_id, source_id, destination_id, amount, source_balance, source_version, destination_balance, destination_version)
        VALUES (v_transfer, v_source.id, v_destination.id, p_amounts[i], v_source.balance, v_source.version, v_destination.balance, v_destination.version);
    END LOOP;
    RETURN v_transfer;
END $$;
"""

# Who gathers money over several stripes needs them locked while he adds up; the application may not lock what it may not change.
LEDGER_LOCK = """
CREATE FUNCTION ledger_lock(p_codes text[]) RETURNS TABLE (code text, balance bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.code, a.balance FROM account a WHERE a.code = ANY (p_codes) AND a.kind = 'budget' ORDER BY a.id FOR UPDATE
$$;
REVOKE ALL ON FUNCTION ledger_lock FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_lock TO irm_app;
"""

# Which kind may go to which: to whatever account, within one owner (treasury, voucher, share), within one purpose of one funder.
BEFORE_WAYS = (
    ("budget reserved", "reserved budget", "reserved available", "available pool", "held pool", "used pool", "used paid"),
    ("treasury budget", "available held", "held available", "held used"),
    ("none",),
)
WAYS = (
    (
        *BEFORE_WAYS[0],
        "budget share_held",
        "share_held budget",
        "share_held pool",
        "share_used pool",
        "share_used paid",
        "paid recovered",
        "recovered pool",
    ),
    (*BEFORE_WAYS[1], "budget treasury", "pool treasury", "share_held share_used"),
    ("budget budget", "pool budget"),
)

BEFORE_KINDS = ("treasury", "budget", "reserved", "available", "held", "used", "paid", "pool")
KINDS = (*BEFORE_KINDS, "share_held", "share_used", "recovered")

BALANCE = """
    SELECT v.id AS voucher_id, v.holder_id, v.policy_version_id, v.face,
           coalesce(a.balance, 0) AS available, coalesce(h.balance, 0) AS held, coalesce(u.balance, 0) AS used,
           coalesce(o.redeemed, 0)::bigint AS redeemed, coalesce(o.returned, 0)::bigint AS returned{void}
    FROM voucher v
    LEFT JOIN account a ON a.code = 'available:' || v.id
    LEFT JOIN account h ON h.code = 'held:' || v.id
    LEFT JOIN account u ON u.code = 'used:' || v.id
    LEFT JOIN LATERAL (
        SELECT {sums} FROM posting p JOIN account d ON d.id = p.destination_id {transfer}
        WHERE p.source_id IN (a.id, h.id, u.id) AND d.kind IN ('paid', 'pool')) o ON true
"""
SUMS = """sum(p.amount) FILTER (WHERE d.kind = 'paid') AS redeemed, sum(p.amount) FILTER (WHERE d.kind = 'pool' AND t.kind <> 'void') AS returned,
               sum(p.amount) FILTER (WHERE d.kind = 'pool' AND t.kind = 'void') AS void"""
BEFORE_SUMS = "sum(p.amount) FILTER (WHERE d.kind = 'paid') AS redeemed, sum(p.amount) FILTER (WHERE d.kind = 'pool') AS returned"

PURPOSE = "b.funder || ':' || b.policy || CASE WHEN b.fund = '' THEN '' ELSE '.' || b.fund END || ':' || b.year"
"""What the accounts of a budget share in their names."""

VIEWS = {
    # Each account that holds money of a budget: its stripes and its pool.
    "budget_account": f"""
        SELECT b.id AS budget_id, n AS stripe, 'budget:' || {PURPOSE} || CASE WHEN n = 0 THEN '' ELSE ':' || n END AS code
        FROM budget b CROSS JOIN LATERAL generate_series(0, b.stripes - 1) n
    """,
    # Where the money of a budget is, in fen. given = adopted + carried + swept = free + reserved + faces + shares: a line for whoever follows it.
    "budget_balance": f"""
        SELECT b.id AS budget_id, f.free, i.adopted, i.carried, i.swept, i.shares,
               coalesce((SELECT sum(r.balance) FROM application x JOIN account r ON r.code = 'reserved:' || x.id WHERE x.budget_id = b.id), 0)::bigint AS reserved,
               coalesce((SELECT sum(v.face) FROM voucher v WHERE v.budget_id = b.id), 0)::bigint AS faces,
               coalesce((SELECT a.balance FROM account a WHERE a.code = 'pool:' || {PURPOSE}), 0)::bigint AS pool
        FROM budget b
        CROSS JOIN LATERAL (SELECT coalesce(sum(a.balance), 0)::bigint AS free FROM budget_account c JOIN account a ON a.code = c.code
                            WHERE c.budget_id = b.id) f
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(m.amount) FILTER (WHERE m.kind = 'treasury'), 0)::bigint AS adopted,
                   coalesce(sum(m.amount) FILTER (WHERE m.kind = 'budget'), 0)::bigint AS carried,
                   coalesce(sum(m.amount) FILTER (WHERE m.kind = 'pool'), 0)::bigint AS swept,
                   coalesce(-sum(m.amount) FILTER (WHERE m.kind = 'share_held'), 0)::bigint AS shares
            FROM budget_account c JOIN account a ON a.code = c.code CROSS JOIN LATERAL (
                SELECT o.kind, p.amount FROM posting p JOIN account o ON o.id = p.source_id WHERE p.destination_id = a.id
                UNION ALL SELECT o.kind, -p.amount FROM posting p JOIN account o ON o.id = p.destination_id WHERE p.source_id = a.id) m
            WHERE c.budget_id = b.id) i
    """,
    # 3: the face of a voucher is the sum of its parts.
    "invariant_voucher": """
        SELECT voucher_id, face, available, held, used, redeemed, returned, void FROM voucher_balance
        WHERE face <> available + held + used + redeemed + returned + void OR least(available, held, used, redeemed, returned, void) < 0
    """,
    # 4: what a budget was given is what stands on it, is reserved, stands on vouchers and shares, was paid or came back.
    "invariant_budget": """
        SELECT budget_id, adopted, carried, swept, free, reserved, faces, shares FROM budget_balance
        WHERE adopted + carried + swept <> free + reserved + faces + shares OR least(free, reserved, faces, shares, pool) < 0
    """,
    # Money lies in no account of a budget that nobody adopted, and a closed budget keeps none to give.
    "invariant_budget_account": f"""
        SELECT DISTINCT a.code, a.balance FROM account a
        WHERE a.kind = 'budget' AND NOT EXISTS (SELECT FROM budget_account c WHERE c.code = a.code)
           OR a.kind = 'pool' AND NOT EXISTS (SELECT FROM budget b WHERE a.code = 'pool:' || {PURPOSE})
    """,
    "invariant_budget_state": """
        SELECT b.id, b.state, m.free, m.adopted FROM budget b JOIN budget_balance m ON m.budget_id = b.id
        WHERE b.state IN ('planned', 'closed') AND m.free <> 0 OR b.state = 'planned' AND m.adopted <> 0
           OR (b.state = 'closed' AND EXISTS (SELECT FROM application x WHERE x.budget_id = b.id AND x.state = 'waitlisted'))
    """,
    # An application under review has its money reserved, any other has none; an issued one is one voucher that says the same.
    "invariant_application": """
        SELECT x.id, x.state, x.amount, coalesce(r.balance, 0) AS reserved, v.face
        FROM application x LEFT JOIN account r ON r.code = 'reserved:' || x.id LEFT JOIN voucher v ON v.application_id = x.id
        WHERE coalesce(r.balance, 0) <> CASE WHEN x.state IN ('county_review', 'city_review', 'approved') THEN x.amount ELSE 0 END
            OR (x.state = 'issued') <> (v.id IS NOT NULL)
            OR (x.state = 'waitlisted') <> (x.queued_at IS NOT NULL)
            OR (v.face, v.holder_id, v.budget_id, v.policy_version_id) <> (x.amount, x.holder_id, x.budget_id, x.policy_version_id)
            OR v.bound_reference IS DISTINCT FROM x.bound_reference AND v.id IS NOT NULL
    """,
    # 10: who decides is there, is another person at each step, and is not who asked. Membership of a party is checked by the verbs:
    # a person may join one later.
    "invariant_duties": """
        SELECT 'claim' AS paper, c.id, c.state FROM claim c
        WHERE (c.state IN ('verified', 'approved', 'paid') AND c.reviewer_id IS NULL) OR (c.state IN ('approved', 'paid') AND c.approver_id IS NULL)
            OR (c.state = 'paid' AND c.payer_id IS NULL) OR c.created_by IN (c.reviewer_id, c.approver_id, c.payer_id)
        UNION ALL
        SELECT 'application', x.id, x.state FROM application x JOIN policy_version p ON p.id = x.policy_version_id
        WHERE x.created_by IN (x.reviewer_id, x.city_reviewer_id) OR (x.state IN ('city_review', 'approved', 'issued', 'refused') AND x.reviewer_id IS NULL)
            OR (x.state IN ('approved', 'issued') AND p.body -> 'review' ? 'city' AND jsonb_array_length(p.body -> 'review') > 1 AND x.city_reviewer_id IS NULL)
    """,
}

BEFORE = {
    "invariant_voucher": """
        SELECT voucher_id, face, available, held, used, redeemed, returned FROM voucher_balance
        WHERE face <> available + held + used + redeemed + returned OR least(available, held, used, redeemed, returned) < 0
    """,
    "invariant_budget": """
        WITH spread AS (
            SELECT b.id, 'budget:' || b.funder || ':' || b.policy || ':' || b.year AS code FROM budget b),
        given AS (
            SELECT s.id, s.code, coalesce((SELECT sum(p.amount) FROM posting p JOIN account d ON d.id = p.destination_id
                JOIN account t ON t.id = p.source_id AND t.kind = 'treasury' WHERE d.code = s.code), 0) AS adopted FROM spread s)
        SELECT g.code, g.adopted FROM given g
        WHERE g.adopted <> coalesce((SELECT balance FROM account WHERE code = g.code), 0)
            + coalesce((SELECT sum(a.balance) FROM application x JOIN account a ON a.code = 'reserved:' || x.id WHERE x.budget_id = g.id), 0)
            + coalesce((SELECT sum(v.face) FROM voucher v WHERE v.budget_id = g.id), 0)
    """,
    "invariant_application": """
        SELECT x.id, x.state, x.amount, coalesce(r.balance, 0) AS reserved, v.face
        FROM application x LEFT JOIN account r ON r.code = 'reserved:' || x.id LEFT JOIN voucher v ON v.application_id = x.id
        WHERE coalesce(r.balance, 0) <> CASE WHEN x.state IN ('draft', 'county_review', 'approved') THEN x.amount ELSE 0 END
            OR (x.state = 'issued') <> (v.id IS NOT NULL)
            OR (v.face, v.holder_id, v.budget_id, v.policy_version_id) <> (x.amount, x.holder_id, x.budget_id, x.policy_version_id)
    """,
    "invariant_duties": """
        SELECT 'claim' AS paper, c.id, c.state FROM claim c
        WHERE (c.state IN ('verified', 'approved', 'paid') AND c.reviewer_id IS NULL) OR (c.state IN ('approved', 'paid') AND c.approver_id IS NULL)
            OR (c.state = 'paid' AND c.payer_id IS NULL) OR c.created_by IN (c.reviewer_id, c.approver_id, c.payer_id)
        UNION ALL
        SELECT 'application', x.id, x.state FROM application x
        WHERE x.reviewer_id = x.created_by OR (x.state IN ('approved', 'issued', 'refused') AND x.reviewer_id IS NULL)
    """,
}


def upgrade() -> None:
    _ledger(WAYS, KINDS)
    op.execute(LEDGER_LOCK)
    _tables()
    op.execute("CREATE OR REPLACE VIEW voucher_balance AS " + BALANCE.format(void=", coalesce(o.void, 0)::bigint AS void", sums=SUMS, transfer=JOIN))
    _drop(BEFORE)
    _create(VIEWS)


JOIN = "JOIN transfer t ON t.id = p.transfer_id"


def _ledger(ways: tuple[tuple[str, ...], ...], kinds: tuple[str, ...]) -> None:
    names = dict(zip(("anybody", "one_owner", "one_purpose"), (", ".join(f"'{way}'" for way in one) for one in ways), strict=True))
    op.execute(LEDGER_POST.format(**names))
    op.drop_constraint(op.f("ck_account_kind"), "account")
    op.create_check_constraint(op.f("ck_account_kind"), "account", f"kind IN {kinds!r}")


def _tables() -> None:
    op.add_column("budget", sa.Column("fund", sa.String(), server_default="", nullable=False))
    op.add_column("budget", sa.Column("stripes", sa.Integer(), server_default="1", nullable=False))
    op.add_column("budget", sa.Column("carried_to", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_budget_carried_to"), "budget", "budget", ["carried_to"], ["id"])
    op.create_check_constraint(op.f("ck_budget_stripes"), "budget", "stripes BETWEEN 1 AND 64")
    op.create_check_constraint(op.f("ck_budget_fund"), "budget", "fund ~ '^[a-z0-9_]*$'")
    op.drop_constraint(op.f("uq_budget_funder_policy_year"), "budget")
    op.create_unique_constraint(op.f("uq_budget_funder_policy_fund_year"), "budget", ["funder", "policy", "fund", "year"])
    op.add_column("application", sa.Column("desk", sa.CHAR(6), nullable=True))
    op.execute("UPDATE application a SET desk = p.funder FROM policy_version p WHERE p.id = a.policy_version_id")
    op.alter_column("application", "desk", nullable=False)
    for name in ("bound_reference", "contract_name", "contract_number"):
        op.add_column("application", sa.Column(name, sa.String(), nullable=True))
    op.add_column("application", sa.Column("contract_value", sa.BigInteger(), nullable=True))
    op.add_column("application", sa.Column("city_reviewer_id", sa.Integer(), nullable=True))
    op.add_column("application", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_application_two_reviewers"), "application", "reviewer_id <> city_reviewer_id")
    op.create_index(op.f("ix_application_desk_state"), "application", ["desk", "state"])
    op.create_index(op.f("ix_application_budget_id_queued_at_id"), "application", ["budget_id", "queued_at", "id"])
    live = sa.text("bound_reference IS NOT NULL AND state NOT IN ('refused', 'withdrawn')")
    op.create_index("uq_application_bound_live", "application", ["bound_reference"], unique=True, postgresql_where=live)
    op.add_column("voucher", sa.Column("bound_reference", sa.String(), nullable=True))
    op.execute("GRANT UPDATE (stripes, carried_to) ON budget TO irm_app")
    op.execute("GRANT UPDATE (desk, budget_id, city_reviewer_id, queued_at) ON application TO irm_app")
    _release_drafts()


def _release_drafts() -> None:
    """Give the money of applications that were sent back to their budgets: from here on a draft keeps none."""
    op.execute("""
        DO $$ DECLARE x record; n bigint; BEGIN
        FOR x IN SELECT a.id, a.amount, a.policy_version_id, b.funder, b.policy, b.year FROM application a JOIN budget b ON b.id = a.budget_id
                 JOIN account r ON r.code = 'reserved:' || a.id AND r.balance > 0 WHERE a.state = 'draft' ORDER BY a.id LOOP
            INSERT INTO audit (role, subject, subject_id, event, before, after, reason, policy_version_id, detail)
            VALUES ('system', 'application', x.id, 'unreserve', 'draft', 'draft', '', x.policy_version_id, '{}') RETURNING id INTO n;
            UPDATE application SET row_version = row_version + 1 WHERE id = x.id;
            PERFORM ledger_post('system:0:unreserve/' || x.id, 'unreserve', now(), (now() AT TIME ZONE 'Asia/Shanghai')::date, n,
                ARRAY['reserved:' || x.id], ARRAY['budget:' || x.funder || ':' || x.policy || ':' || x.year], ARRAY[x.amount]);
        END LOOP; END $$;
    """)


def _create(views: dict[str, str]) -> None:
    for name, query in views.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
        op.execute(f"GRANT SELECT ON {name} TO irm_app")


def _drop(views: dict[str, str]) -> None:
    for name in reversed(views):
        op.execute(f"DROP VIEW {name}")


def downgrade() -> None:
    _drop(VIEWS)
    op.execute("DROP VIEW IF EXISTS invariant_hold")
    op.execute("DROP VIEW voucher_balance")
    op.execute("CREATE VIEW voucher_balance AS " + BALANCE.format(void="", sums=BEFORE_SUMS, transfer=""))
    op.execute("GRANT SELECT ON voucher_balance TO irm_app")
    op.drop_column("voucher", "bound_reference")
    op.drop_index("uq_application_bound_live", "application")
    op.drop_index(op.f("ix_application_budget_id_queued_at_id"), "application")
    op.drop_index(op.f("ix_application_desk_state"), "application")
    op.drop_constraint(op.f("ck_application_two_reviewers"), "application")
    for name in ("queued_at", "city_reviewer_id", "contract_value", "contract_number", "contract_name", "bound_reference", "desk"):
        op.drop_column("application", name)
    op.drop_constraint(op.f("uq_budget_funder_policy_fund_year"), "budget")
    op.create_unique_constraint(op.f("uq_budget_funder_policy_year"), "budget", ["funder", "policy", "year"])
    for name in ("fund", "stripes"):
        op.drop_constraint(op.f(f"ck_budget_{name}"), "budget")
    for name in ("carried_to", "stripes", "fund"):
        op.drop_column("budget", name)
    op.execute("DROP FUNCTION ledger_lock(text[])")
    _ledger(BEFORE_WAYS, BEFORE_KINDS)
    _create(BEFORE | {"invariant_hold": BEFORE_HOLD})


BEFORE_HOLD = """
    SELECT b.voucher_id, b.held, b.used + b.redeemed AS spent, coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) AS holds
    FROM voucher_balance b LEFT JOIN hold h ON h.voucher_id = b.voucher_id
    GROUP BY b.voucher_id, b.held, b.used, b.redeemed
    HAVING b.held <> coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) OR b.used + b.redeemed <> coalesce(sum(h.used), 0)
"""
