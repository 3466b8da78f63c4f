"""The ledger's function, append-only tables, rights of the application role, invariants as views.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LEDGER_POST = r"""
CREATE FUNCTION ledger_post(p_request text, p_kind text, p_at timestamptz, p_date date, p_audit bigint,
                            p_sources text[], p_destinations text[], p_amounts bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_content text := md5(jsonb_build_array(p_kind, p_sources, p_destinations, p_amounts)::text);
    v_transfer bigint; v_known text; v_source record; v_destination record;
BEGIN
    IF coalesce(cardinality(p_amounts), 0) = 0 OR cardinality(p_sources) <> cardinality(p_amounts)
       OR cardinality(p_destinations) <> cardinality(p_amounts) THEN
        RAISE EXCEPTION 'a transfer needs postings with source, destination and amount' USING ERRCODE = 'check_violation';
    END IF;
    -- Money goes only where the chart says, and never from one voucher to another: whatever a caller asks for.
    FOR i IN 1 .. cardinality(p_amounts) LOOP
        IF NOT coalesce((p_amounts[i] > 0 AND split_part(p_sources[i], ':', 2) <> '' AND split_part(p_destinations[i], ':', 2) <> '' AND
            ((split_part(p_sources[i], ':', 1), split_part(p_destinations[i], ':', 1)) IN
                (('budget', 'reserved'), ('reserved', 'budget'), ('reserved', 'available'), ('available', 'pool'), ('held', 'pool'), ('used', 'pool'), ('used', 'paid'))
            OR (split_part(p_sources[i], ':', 1), split_part(p_destinations[i], ':', 1)) IN
                (('treasury', 'budget'), ('available', 'held'), ('held', 'available'), ('held', 'used'))
                AND split_part(p_sources[i], ':', 2) = split_part(p_destinations[i], ':', 2))), false) THEN
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

APPEND_ONLY = ("audit", "transfer", "posting", "evidence", "payout", "policy_version")

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: write a new row that names the old one', TG_TABLE_NAME USING ERRCODE = 'IR002';
END $$;
"""

# What the application may change of a paper: its state and who acted, never an amount, a party or a date.
CHANGEABLE = {
    "budget": "state, row_version",
    "application": "state, row_version, reviewer_id",
    "voucher": "state, row_version",
    "hold": "state, row_version, used",
    "claim": "state, row_version, reviewer_id, approver_id, payer_id, payout_id, paid_at",
    "orders": "state, row_version",
    "booking": "state, row_version",
    "request": "answer",
}

VIEWS = {
    "voucher_balance": """
        SELECT v.id AS voucher_id, v.holder_id, v.policy_version_id, v.face,
               coalesce(a.balance, 0) AS available, coalesce(h.balance, 0) AS held, coalesce(u.balance, 0) AS used,
               coalesce(o.redeemed, 0)::bigint AS redeemed, coalesce(o.returned, 0)::bigint AS returned
        FROM voucher v
        LEFT JOIN account a ON a.code = 'available:' || v.id
        LEFT JOIN account h ON h.code = 'held:' || v.id
        LEFT JOIN account u ON u.code = 'used:' || v.id
        LEFT JOIN LATERAL (
            SELECT sum(p.amount) FILTER (WHERE d.kind = 'paid') AS redeemed, sum(p.amount) FILTER (WHERE d.kind = 'pool') AS returned
            FROM posting p JOIN account d ON d.id = p.destination_id
            WHERE p.source_id IN (a.id, h.id, u.id) AND d.kind IN ('paid', 'pool')) o ON true
    """,
    # 1 and 2: the cached balance is the sum of the postings, versions run without a gap.
    "invariant_balance": """
        SELECT a.code, a.balance, a.version, coalesce(sum(e.amount), 0) AS posted, count(e.amount) AS lines
        FROM account a LEFT JOIN (
            SELECT source_id AS id, -amount AS amount FROM posting UNION ALL SELECT destination_id, amount FROM posting) e ON e.id = a.id
        GROUP BY a.id HAVING a.balance <> coalesce(sum(e.amount), 0) OR a.version <> count(e.amount)
    """,
    "invariant_zero_sum": "SELECT sum(balance) AS total FROM account HAVING sum(balance) <> 0",
    "invariant_transfer": """
        SELECT t.id FROM transfer t LEFT JOIN posting p ON p.transfer_id = t.id GROUP BY t.id HAVING count(p.id) = 0
    """,
    # 3: the face of a voucher is the sum of its parts.
    "invariant_voucher": """
        SELECT voucher_id, face, available, held, used, redeemed, returned FROM voucher_balance
        WHERE face <> available + held + used + redeemed + returned OR least(available, held, used, redeemed, returned) < 0
    """,
    # 4: what a budget was given is what stands on it, is reserved, stands on vouchers, was paid or came back.
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
    # 5: an open hold is money on the voucher's held account, used holds are what was used or redeemed.
    "invariant_hold": """
        SELECT b.voucher_id, b.held, b.used + b.redeemed AS spent, coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) AS holds
        FROM voucher_balance b LEFT JOIN hold h ON h.voucher_id = b.voucher_id
        GROUP BY b.voucher_id, b.held, b.used, b.redeemed
        HAVING b.held <> coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) OR b.used + b.redeemed <> coalesce(sum(h.used), 0)
    """,
    # 8 of the promises: each posting carries the balance and version that follow from all before it, and none was ever below zero.
    "invariant_history": """
        SELECT e.id, e.version, e.balance FROM (
            SELECT l.id, l.version, l.balance, sum(l.amount) OVER w AS running, row_number() OVER w AS n
            FROM (SELECT source_id AS id, source_version AS version, source_balance AS balance, -amount AS amount FROM posting
                  UNION ALL SELECT destination_id, destination_version, destination_balance, amount FROM posting) l
            WINDOW w AS (PARTITION BY l.id ORDER BY l.version ROWS UNBOUNDED PRECEDING)) e
        JOIN account a ON a.id = e.id
        WHERE e.balance <> e.running OR e.version <> e.n OR (e.balance < 0 AND a.kind <> 'treasury')
    """,
    # An application under review has its money reserved, any other has none; an issued one is one voucher that says the same.
    "invariant_application": """
        SELECT x.id, x.state, x.amount, coalesce(r.balance, 0) AS reserved, v.face
        FROM application x LEFT JOIN account r ON r.code = 'reserved:' || x.id LEFT JOIN voucher v ON v.application_id = x.id
        WHERE coalesce(r.balance, 0) <> CASE WHEN x.state IN ('draft', 'county_review', 'approved') THEN x.amount ELSE 0 END
            OR (x.state = 'issued') <> (v.id IS NOT NULL)
            OR (v.face, v.holder_id, v.budget_id, v.policy_version_id) <> (x.amount, x.holder_id, x.budget_id, x.policy_version_id)
    """,
    # 7: no holder above the year cap of the policy version that the voucher cites, no actual controller above that of its group.
    "invariant_year_cap": """
        SELECT v.holder_id, p.policy, h.year, sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) AS spent
        FROM hold h JOIN voucher v ON v.id = h.voucher_id JOIN policy_version p ON p.id = v.policy_version_id
        WHERE h.state <> 'released'
        GROUP BY v.holder_id, p.policy, h.year
        HAVING sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) > max((p.body #>> '{caps,per_year}')::bigint)
    """,
    "invariant_group_cap": """
        SELECT coalesce(o.controller, 'organisation ' || o.id) AS controller, p.policy, h.year,
               sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) AS spent
        FROM hold h JOIN voucher v ON v.id = h.voucher_id JOIN organisation o ON o.id = v.holder_id
        JOIN policy_version p ON p.id = v.policy_version_id
        WHERE h.state <> 'released'
        GROUP BY 1, p.policy, h.year
        HAVING sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) > max((p.body #>> '{caps,group_per_year}')::bigint)
    """,
    # 10: reviewer, approver and payer are there, and three persons (CHECK), and none is who asked. Membership of a party is checked by the verbs:
    # a person may join one later.
    "invariant_duties": """
        SELECT 'claim' AS paper, c.id, c.state FROM claim c
        WHERE (c.state IN ('verified', 'approved', 'paid') AND c.reviewer_id IS NULL) OR (c.state IN ('approved', 'paid') AND c.approver_id IS NULL)
            OR (c.state = 'paid' AND c.payer_id IS NULL) OR c.created_by IN (c.reviewer_id, c.approver_id, c.payer_id)
        UNION ALL
        SELECT 'application', x.id, x.state FROM application x
        WHERE x.reviewer_id = x.created_by OR (x.state IN ('approved', 'issued', 'refused') AND x.reviewer_id IS NULL)
    """,
    # 11: every state of a paper was reached by exactly one audit record a version.
    "invariant_audit": " UNION ALL ".join(
        f"""SELECT '{name}' AS paper, x.id, x.state, count(a.id) AS records FROM {name} x
            LEFT JOIN audit a ON a.subject = '{name}' AND a.subject_id = x.id GROUP BY x.id
            HAVING count(a.id) <> x.row_version + 1 OR (array_agg(a.after ORDER BY a.id DESC))[1] IS DISTINCT FROM x.state"""
        for name in ("budget", "application", "voucher", "hold", "claim", "orders", "booking")
    ),
    # 12: a payout is one paid claim and one transfer of the same amount.
    "invariant_payout": """
        SELECT coalesce('paid:' || o.id, a.code) AS code, o.amount, c.amount AS claimed, a.balance AS posted, u.amount AS used
        FROM payout o FULL JOIN (SELECT id, code, balance FROM account WHERE kind = 'paid') a ON a.code = 'paid:' || o.id
        LEFT JOIN claim c ON c.payout_id = o.id AND c.state = 'paid' LEFT JOIN hold h ON h.id = c.hold_id
        LEFT JOIN LATERAL (SELECT sum(p.amount) AS amount FROM posting p JOIN account s ON s.id = p.source_id
            WHERE p.destination_id = a.id AND s.code = 'used:' || h.voucher_id) u ON true
        WHERE (o.amount, o.payee_id, o.funder) IS DISTINCT FROM (c.amount, c.payee_id, c.funder)
            OR o.amount IS DISTINCT FROM a.balance OR o.amount IS DISTINCT FROM u.amount
    """,
    # 13: who pays is the funder of the voucher's policy, for carriers from anywhere.
    "invariant_funder": """
        SELECT c.id, c.funder, p.funder AS home FROM claim c JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id
        JOIN policy_version p ON p.id = v.policy_version_id WHERE c.funder <> p.funder
    """,
    # An order's live hold is its voucher part from its own voucher, used once both sides confirmed; the claim asks for what was used.
    "invariant_order": """
        SELECT o.id, o.state, o.voucher_part, h.amount, h.state AS hold
        FROM orders o LEFT JOIN hold h ON h.reference = 'order:' || o.id AND h.state <> 'released' LEFT JOIN voucher v ON v.id = h.voucher_id
        WHERE CASE WHEN o.state = 'cancelled' OR o.voucher_part = 0 THEN h.id IS NOT NULL
            ELSE h.id IS NULL OR o.voucher_part <> h.amount OR o.voucher_id <> h.voucher_id OR o.enterprise_id <> v.holder_id
                OR (h.state = 'used') <> (o.state IN ('confirmed', 'settled')) END
    """,
    "invariant_claim": """
        SELECT c.id, c.amount, h.used FROM claim c JOIN hold h ON h.id = c.hold_id WHERE c.amount <> h.used
    """,
}


def upgrade() -> None:
    op.execute(LEDGER_POST)
    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
    _grant()


def _grant() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO irm_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO irm_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO irm_app")
    for table in (*APPEND_ONLY, "account", *CHANGEABLE):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM irm_app")
    for table, columns in CHANGEABLE.items():
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO irm_app")
    for table in ("account", "transfer", "posting"):
        op.execute(f"REVOKE INSERT ON {table} FROM irm_app")
    op.execute("REVOKE INSERT, UPDATE, DELETE ON alembic_version, spatial_ref_sys FROM irm_app")
    op.execute("REVOKE ALL ON FUNCTION ledger_post FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ledger_post TO irm_app")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION ledger_post(text, text, timestamptz, date, bigint, text[], text[], bigint[])")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM irm_app")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM irm_app")
    op.execute("REVOKE ALL ON SCHEMA public FROM irm_app")
