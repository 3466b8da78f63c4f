"""Which tables are the money path, and how an audit record leads to the rows that it made or names. Data: one line a table, `SEALED` at the end.

Each row is sealed with the first record that leads to it, and once more for each version of it that a later record leaves. What the
application may update of a row (its rights say so) moves; the rest is fixed for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Sealed:
    """One table. `rows` is a FROM clause with the audit record as `a` and the table as `t`.

    `loose` columns are sealed by no digest (`why` says the reason). `personal` columns are sealed by a salted hash; `person` is the SQL
    expression over `t` that names whose key salts it. Where `may_wait` gives a reason, a row may stand there before any record leads to it.
    `version` counts the changes of a row that has no row_version, as an SQL expression over `t`.
    """

    table: str
    rows: str
    loose: tuple[str, ...] = ()
    why: str = ""
    personal: tuple[str, ...] = ()
    person: str = ""
    may_wait: str = ""
    version: str = ""


def paper(table: str, **more: tuple[str, ...] | str) -> Sealed:
    """Describe a table whose changes are audit records of that subject."""
    return Sealed(table, f"audit a JOIN {table} t ON a.subject = '{table}' AND t.id = a.subject_id", **more)  # type: ignore[arg-type]


# A request inside another is named "who:who of the outer:key of the outer/suffix": the record of the inner one leads to both.
_REQUESTS = r"""audit a CROSS JOIN LATERAL (
    WITH RECURSIVE n (name) AS (
        SELECT a.request_id
        UNION SELECT s.name FROM n CROSS JOIN LATERAL (VALUES
            (substring(n.name FROM '^[a-z]+:[0-9]+:([a-z]+:[0-9]+:.+)$')), (substring(n.name FROM '^(.+)/[^/]*$'))) s (name) WHERE s.name IS NOT NULL)
    SELECT split_part(name, ':', 1) || ':' || split_part(name, ':', 2) AS who, name FROM n) n
JOIN request t ON t.who = n.who AND t.key = substr(n.name, length(n.who) + 2)"""
_REFERENCE = """audit a LEFT JOIN claim c ON a.subject = 'claim' AND c.id = a.subject_id
LEFT JOIN hold h ON h.id = CASE a.subject WHEN 'hold' THEN a.subject_id ELSE c.hold_id END
JOIN evidence {e} ON {e}.reference = CASE a.subject WHEN 'orders' THEN 'order:' || a.subject_id
    WHEN 'application' THEN 'application:' || a.subject_id ELSE h.reference END"""


def _either(table: str, *ways: str) -> str:
    """Lead to a table by each of `ways`: queries over `a` that give the ids of its rows."""
    return f"audit a CROSS JOIN LATERAL ({' UNION '.join(ways)}) n (id) JOIN {table} t ON t.id = n.id"


SEALED = (
    Sealed("audit", "audit a JOIN audit t ON t.id = a.id"),
    Sealed("request", _REQUESTS),
    Sealed("transfer", "audit a JOIN transfer t ON t.audit_id = a.id"),
    Sealed("posting", "audit a JOIN transfer r ON r.audit_id = a.id JOIN posting t ON t.transfer_id = r.id"),
    Sealed(
        "account",
        "audit a JOIN transfer r ON r.audit_id = a.id JOIN posting p ON p.transfer_id = r.id "
        "JOIN account t ON t.id IN (p.source_id, p.destination_id)",
        loose=("balance", "version"),
        why="the sum of the postings: the invariants compare it",
    ),
    Sealed("policy_version", "audit a JOIN policy_version t ON t.id = a.policy_version_id"),
    paper("budget"),
    paper("application"),
    paper("voucher"),
    paper("hold"),
    paper("orders"),
    paper("booking"),
    Sealed("order_offer", "audit a JOIN order_offer t ON a.subject = 'orders' AND t.order_id = a.subject_id"),
    paper("share"),
    paper("fund_mark"),
    paper("policy_draft"),
    Sealed("evidence", _REFERENCE.format(e="t")),
    Sealed(
        "evidence_file",
        f"{_REFERENCE.format(e='e')} JOIN evidence_file t ON t.id = e.file_id",
        loose=("pages", "coarse", "fine", "bands", "read", "scanned", "scanned_at"),
        why="what machines found out about the content, which is sealed by its hash",
        may_wait="a file that no evidence names yet proves nothing",
    ),
    paper("claim"),
    Sealed(
        "payout",
        _either(
            "payout",
            "SELECT c.payout_id FROM claim c WHERE a.subject = 'claim' AND c.id = a.subject_id",
            "SELECT b.payout_id FROM batch_line b WHERE a.subject = 'batch_line' AND b.id = a.subject_id",
        ),
    ),
    paper("settlement_batch"),
    paper("batch_line"),
    paper("bank_account", personal=("name", "number"), person="'organisation:' || t.organisation_id"),
    paper("bank_statement"),
    Sealed("statement_line", "audit a JOIN statement_line t ON a.subject = 'bank_statement' AND t.statement_id = a.subject_id"),
    paper("recovery"),
    paper("notice"),
    paper("objection", personal=("name", "contact"), person="'objection:' || t.id"),
    paper("enrolment", personal=("contact_name", "contact_phone"), person="'organisation:' || t.organisation_id"),
    paper("carrier_entry", personal=("contact_name", "contact_phone"), person="'organisation:' || t.organisation_id"),
    paper("accreditation"),
    Sealed(
        "party_document",
        _either(
            "party_document",
            "SELECT a.subject_id WHERE a.subject = 'party_document'",
            "SELECT d.id FROM enrolment e JOIN party_document d USING (organisation_id) WHERE a.subject = 'enrolment' AND e.id = a.subject_id",
            """SELECT d.id FROM carrier_entry e JOIN party_document d USING (organisation_id)
            WHERE a.subject = 'carrier_entry' AND e.id = a.subject_id""",
        ),
        version="""(SELECT count(*) FROM audit v WHERE v.subject = 'party_document' AND v.subject_id = t.id
            OR v.subject = 'enrolment' AND v.subject_id IN (SELECT id FROM enrolment e WHERE e.organisation_id = t.organisation_id)
            OR v.subject = 'carrier_entry' AND v.subject_id IN (SELECT id FROM carrier_entry e WHERE e.organisation_id = t.organisation_id))""",
    ),
)

OUTSIDE = {
    **dict.fromkeys(
        ("need_post", "need_version", "need_invitation", "need_answer", "need_note"), "what is asked and offered before there is an order: no money"
    ),
    **dict.fromkeys(("demand", "demand_asker", "demand_key", "demand_noted"), "counts of needs that nobody could serve: no money, no persons"),
    **dict.fromkeys(("saved_search", "saved_news", "message"), "what a person keeps and is told: no money, and must be able to vanish"),
    **dict.fromkeys(("carrier_record", "carrier_usual"), "counted anew from the orders once an hour"),
    "evidence_upload": "who brought a file, before it is anybody's evidence",
    "instrument_pause": "what the map leaves out while a carrier is suspended: no money",
    "audit_block": "the seal itself",
    "audit_leaf": "the seal itself",
    "audit_item": "the seal itself",
    "audit_root": "the seal itself",
    "audit_shape": "the seal itself",
    "person_key": "must be able to vanish: that is how a person is erased",
}
"""Tables of the money packages that are not sealed, each with its reason."""


def names(table: str) -> str:
    """Return `table` if it may stand in SQL, else raise ValueError: sealed blocks bring table names back from the database."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", table):
        raise ValueError(table)
    return table
