"""The life of a voucher: what it was before it was frozen, holds with their policy version and end, shares of co-funders, offers of an order.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Amounts of an order are agreed on while it is an offer; a contract keeps them, but that a bound voucher may come to one that has none yet.
AGREED = ("price", "voucher_part", "share_part", "own_part", "voucher_id", "policy_version_id", "clauses", "attributes", "contract_date")
DATES = ("answer_by", "report_on")

KEEP_AMOUNTS = f"""
CREATE FUNCTION orders_keep_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({", ".join(f"NEW.{name}" for name in AGREED)}) IS DISTINCT FROM ({", ".join(f"OLD.{name}" for name in AGREED)})
       AND NOT (OLD.state IN ('draft', 'offered', 'countered') OR (OLD.state = 'contracted' AND OLD.voucher_id IS NULL AND NEW.price = OLD.price)) THEN
        RAISE EXCEPTION 'order %: the sums of a contract stay as they were agreed', OLD.id USING ERRCODE = 'IR003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_keep_amounts BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION orders_keep_amounts();
"""

# A hold that does not say otherwise is ruled by the version its voucher cites and may stand as long as the voucher can be redeemed.
HOLD_TERMS = """
CREATE FUNCTION hold_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(NEW.policy_version_id, v.policy_version_id), coalesce(NEW.ends_on, v.expires_redeem)
    INTO NEW.policy_version_id, NEW.ends_on FROM public.voucher v WHERE v.id = NEW.voucher_id;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_terms BEFORE INSERT ON hold FOR EACH ROW WHEN (NEW.policy_version_id IS NULL OR NEW.ends_on IS NULL) EXECUTE FUNCTION hold_terms();
"""

CAP = """
    SELECT {who}, p.policy, h.year, sum(CASE WHEN h.used > 0 THEN h.used + coalesce(s.used, 0) ELSE h.amount + coalesce(s.amount, 0) END) AS spent
    FROM hold h JOIN voucher v ON v.id = h.voucher_id JOIN organisation o ON o.id = v.holder_id JOIN policy_version p ON p.id = h.policy_version_id
    LEFT JOIN (SELECT hold_id, sum(used) AS used, sum(amount) AS amount FROM share GROUP BY hold_id) s ON s.hold_id = h.id
    WHERE h.state NOT IN ('released', 'void')
    GROUP BY 1, p.policy, h.year
    HAVING sum(CASE WHEN h.used > 0 THEN h.used + coalesce(s.used, 0) ELSE h.amount + coalesce(s.amount, 0) END)
        > max((p.body #>> '{{caps,{cap}}}')::bigint)
"""

REPLACED = {
    # 5: an open hold is money on the voucher's held account, used holds are what was used or redeemed.
    "invariant_hold": """
        SELECT b.voucher_id, b.held, b.used + b.redeemed AS spent, coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) AS holds
        FROM voucher_balance b LEFT JOIN hold h ON h.voucher_id = b.voucher_id
        GROUP BY b.voucher_id, b.held, b.used, b.redeemed
        HAVING b.held <> coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0)
            OR b.used + b.redeemed <> coalesce(sum(h.used) FILTER (WHERE h.state = 'used'), 0)
    """,
    # An order's live hold is its voucher part from its own voucher, with the co-funders' shares, used once both sides confirmed.
    "invariant_order": """
        SELECT o.id, o.state, o.voucher_part, o.share_part, h.amount, h.state AS hold
        FROM orders o LEFT JOIN hold h ON h.reference = 'order:' || o.id AND h.state <> 'released' LEFT JOIN voucher v ON v.id = h.voucher_id
        LEFT JOIN LATERAL (SELECT coalesce(sum(s.amount), 0) AS amount FROM share s WHERE s.hold_id = h.id) s ON true
        WHERE CASE WHEN o.state = 'cancelled' OR o.voucher_part = 0 THEN h.state IS NOT NULL AND h.state <> 'void'
            ELSE h.id IS NULL OR o.voucher_part <> h.amount OR o.share_part <> s.amount OR o.voucher_id <> h.voucher_id
                OR o.enterprise_id <> v.holder_id OR o.policy_version_id <> h.policy_version_id
                OR h.state <> 'void' AND (h.state IN ('used', 'lapsed')) <> (o.state IN ('confirmed', 'settled')) END
    """,
    "invariant_year_cap": CAP.format(who="v.holder_id", cap="per_year"),
    "invariant_group_cap": CAP.format(who="coalesce(o.controller, 'organisation ' || o.id) AS controller", cap="group_per_year"),
}

ADDED = {
    # A share is money of a co-funder that goes the way of its hold, and stands on its own two accounts.
    "invariant_share": """
        SELECT s.id, s.state, s.amount, s.used, h.state AS hold, coalesce(a.balance, 0) AS held, coalesce(u.balance, 0) + coalesce(o.paid, 0) AS spent
        FROM share s JOIN hold h ON h.id = s.hold_id
        LEFT JOIN account a ON a.code = 'share_held:' || s.id LEFT JOIN account u ON u.code = 'share_used:' || s.id
        LEFT JOIN LATERAL (SELECT sum(p.amount) AS paid FROM posting p JOIN account d ON d.id = p.destination_id
                           WHERE p.source_id = u.id AND d.kind = 'paid') o ON true
        WHERE coalesce(a.balance, 0) <> CASE s.state WHEN 'held' THEN s.amount ELSE 0 END
            OR coalesce(u.balance, 0) + coalesce(o.paid, 0) <> CASE s.state WHEN 'used' THEN s.used ELSE 0 END
            OR s.state NOT IN ('void', 'lapsed', 'released') AND (s.state = 'held') <> (h.state = 'held') OR (h.state = 'released' AND s.state <> 'released')
    """,
    "invariant_share_audit": """
        SELECT s.id, s.state, count(a.id) AS records FROM share s LEFT JOIN audit a ON a.subject = 'share' AND a.subject_id = s.id
        GROUP BY s.id HAVING count(a.id) <> s.row_version + 1 OR (array_agg(a.after ORDER BY a.id DESC))[1] IS DISTINCT FROM s.state
    """,
    # 8: nothing is held after the last day of use except what was held before, and that has an end.
    "invariant_hold_end": """
        SELECT h.id, h.created_at, h.ends_on, v.expires_use FROM hold h JOIN voucher v ON v.id = h.voucher_id
        WHERE (h.created_at AT TIME ZONE 'Asia/Shanghai')::date > v.expires_use OR h.ends_on > v.expires_redeem
    """,
    # A voucher that is over has nothing on it.
    "invariant_voucher_over": """
        SELECT v.id, v.state, b.available, b.held, b.used FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id
        WHERE v.state IN ('closed', 'void') AND b.available + b.held + b.used <> 0
            OR v.state = 'expired' AND b.available <> 0
            OR v.state = 'frozen' AND v.frozen_from NOT IN ('active', 'expired')
    """,
}

CAP_BEFORE = """
    SELECT {who}, p.policy, h.year, sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) AS spent
    FROM hold h JOIN voucher v ON v.id = h.voucher_id JOIN organisation o ON o.id = v.holder_id JOIN policy_version p ON p.id = v.policy_version_id
    WHERE h.state <> 'released'
    GROUP BY 1, p.policy, h.year
    HAVING sum(CASE WHEN h.state = 'used' THEN h.used ELSE h.amount END) > max((p.body #>> '{{caps,{cap}}}')::bigint)
"""

BEFORE = {
    "invariant_hold": """
        SELECT b.voucher_id, b.held, b.used + b.redeemed AS spent, coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) AS holds
        FROM voucher_balance b LEFT JOIN hold h ON h.voucher_id = b.voucher_id
        GROUP BY b.voucher_id, b.held, b.used, b.redeemed
        HAVING b.held <> coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0) OR b.used + b.redeemed <> coalesce(sum(h.used), 0)
    """,
    "invariant_order": """
        SELECT o.id, o.state, o.voucher_part, h.amount, h.state AS hold
        FROM orders o LEFT JOIN hold h ON h.reference = 'order:' || o.id AND h.state <> 'released' LEFT JOIN voucher v ON v.id = h.voucher_id
        WHERE CASE WHEN o.state = 'cancelled' OR o.voucher_part = 0 THEN h.id IS NOT NULL
            ELSE h.id IS NULL OR o.voucher_part <> h.amount OR o.voucher_id <> h.voucher_id OR o.enterprise_id <> v.holder_id
                OR (h.state = 'used') <> (o.state IN ('confirmed', 'settled')) END
    """,
    "invariant_year_cap": CAP_BEFORE.format(who="v.holder_id", cap="per_year"),
    "invariant_group_cap": CAP_BEFORE.format(who="coalesce(o.controller, 'organisation ' || o.id) AS controller", cap="group_per_year"),
}


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _made() -> sa.Column:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)


def upgrade() -> None:
    _vouchers_and_holds()
    _shares()
    _orders()
    for name, query in (REPLACED | ADDED).items():
        op.execute(f"DROP VIEW IF EXISTS {name}")
        op.execute(f"CREATE VIEW {name} AS {query}")
        op.execute(f"GRANT SELECT ON {name} TO irm_app")


def _vouchers_and_holds() -> None:
    op.add_column("voucher", sa.Column("frozen_from", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_voucher_frozen_from"), "voucher", "(state = 'frozen') = (frozen_from IS NOT NULL)")
    op.execute("GRANT UPDATE (frozen_from) ON voucher TO irm_app")
    op.add_column("hold", sa.Column("policy_version_id", sa.BigInteger(), nullable=True))
    op.add_column("hold", sa.Column("ends_on", sa.Date(), nullable=True))
    op.execute("UPDATE hold h SET policy_version_id = v.policy_version_id, ends_on = v.expires_redeem FROM voucher v WHERE v.id = h.voucher_id")
    op.alter_column("hold", "policy_version_id", nullable=False)
    op.alter_column("hold", "ends_on", nullable=False)
    op.create_foreign_key(op.f("fk_hold_policy_version_id"), "hold", "policy_version", ["policy_version_id"], ["id"])
    op.drop_constraint(op.f("ck_hold_state_used"), "hold")
    used = "CASE WHEN state IN ('held', 'released') THEN used = 0 ELSE used > 0 OR state = 'void' END"
    op.create_check_constraint(op.f("ck_hold_state_used"), "hold", used)
    op.create_index("ix_hold_ends_on_open", "hold", ["ends_on"], postgresql_where=sa.text("state = 'held'"))
    op.execute(HOLD_TERMS)


def _shares() -> None:
    op.create_table(
        "share",
        _id(),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("hold_id", "budget_id", "amount", "used")),
        sa.Column("funder", sa.CHAR(6), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("policy", "clause", "state")),
        sa.Column("row_version", sa.Integer(), nullable=False),
        _made(),
        sa.CheckConstraint("amount > 0", name=op.f("ck_share_amount")),
        sa.CheckConstraint("used >= 0 AND used <= amount", name=op.f("ck_share_used")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_share_hold_id")),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_share_budget_id")),
        sa.ForeignKeyConstraint(["funder"], ["region.adcode"], name=op.f("fk_share_funder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
        sa.UniqueConstraint("hold_id", "budget_id", name=op.f("uq_share_hold_id_budget_id")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE (state, row_version, used) ON share TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE share_id_seq TO irm_app")


def _orders() -> None:
    op.add_column("orders", sa.Column("attributes", JSONB(), server_default="[]", nullable=False))
    op.add_column("orders", sa.Column("share_part", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_constraint(op.f("ck_orders_amounts"), "orders")
    op.drop_constraint(op.f("ck_orders_sum"), "orders")
    op.create_check_constraint(op.f("ck_orders_amounts"), "orders", "price > 0 AND voucher_part >= 0 AND share_part >= 0 AND own_part >= 0")
    op.create_check_constraint(op.f("ck_orders_sum"), "orders", "price = voucher_part + share_part + own_part")
    op.create_check_constraint(op.f("ck_orders_share"), "orders", "share_part = 0 OR voucher_part > 0")
    op.execute(f"GRANT UPDATE ({', '.join(AGREED + DATES)}) ON orders TO irm_app")
    op.execute(KEEP_AMOUNTS)
    op.drop_index(op.f("ix_booking_order_id"), table_name="booking")
    op.create_index(op.f("ix_booking_order_id"), "booking", ["order_id"])
    op.create_index(
        "uq_booking_order_id_live", "booking", ["order_id"], unique=True, postgresql_where=sa.text("state NOT IN ('cancelled', 'expired')")
    )
    op.create_table(
        "order_offer",
        _id(),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("start", "stop", "answer_by")),
        sa.Column("report_on", sa.Date(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        _made(),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("price > 0", name=op.f("ck_order_offer_price")),
        sa.CheckConstraint("start < stop", name=op.f("ck_order_offer_span")),
        sa.CheckConstraint("role IN ('enterprise', 'carrier')", name=op.f("ck_order_offer_role")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_offer_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_offer")),
    )
    op.create_index(op.f("ix_order_offer_order_id"), "order_offer", ["order_id"])
    op.execute(
        "CREATE TRIGGER order_offer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_offer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("GRANT SELECT, INSERT ON order_offer TO irm_app")
    op.execute("GRANT USAGE ON SEQUENCE order_offer_id_seq TO irm_app")


def downgrade() -> None:
    for name in REPLACED | ADDED:
        op.execute(f"DROP VIEW {name}")
    op.drop_table("order_offer")
    op.drop_index("uq_booking_order_id_live", table_name="booking")
    op.drop_index(op.f("ix_booking_order_id"), table_name="booking")
    op.create_index(op.f("ix_booking_order_id"), "booking", ["order_id"], unique=True)
    op.execute("DROP TRIGGER orders_keep_amounts ON orders")
    op.execute("DROP FUNCTION orders_keep_amounts()")
    op.execute(f"REVOKE UPDATE ({', '.join(AGREED[:2] + AGREED[3:] + DATES)}) ON orders FROM irm_app")
    for name in ("share", "sum", "amounts"):
        op.drop_constraint(op.f(f"ck_orders_{name}"), "orders")
    op.drop_column("orders", "share_part")
    op.drop_column("orders", "attributes")
    op.create_check_constraint(op.f("ck_orders_amounts"), "orders", "price > 0 AND voucher_part >= 0 AND own_part >= 0")
    op.create_check_constraint(op.f("ck_orders_sum"), "orders", "price = voucher_part + own_part")
    op.drop_table("share")
    op.execute("DROP TRIGGER hold_terms ON hold")
    op.execute("DROP FUNCTION hold_terms()")
    op.drop_index("ix_hold_ends_on_open", table_name="hold")
    op.drop_constraint(op.f("ck_hold_state_used"), "hold")
    op.create_check_constraint(op.f("ck_hold_state_used"), "hold", "(state = 'used') = (used > 0)")
    op.drop_column("hold", "ends_on")
    op.drop_column("hold", "policy_version_id")
    op.drop_constraint(op.f("ck_voucher_frozen_from"), "voucher")
    op.drop_column("voucher", "frozen_from")
    for name, query in BEFORE.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
        op.execute(f"GRANT SELECT ON {name} TO irm_app")
