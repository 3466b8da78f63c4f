"""What an officer needs to see of one paper before deciding: the facts of an application or a claim, its evidence, and who did which step.

Reading only. Deciding is `vouchers.lifecycle` and `vouchers.claims`, which check the same rules again under lock; what a claim bought, the
caller finds by the opaque reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from core.actor import Actor, Role
from core.errors import N_, NotFound
from vouchers import budgets
from vouchers.policy import Budget, Policy, PolicyVersion

REVIEW_DAYS: Final = 10
"""Days within which a paper should be decided: an invented example, no policy of ours states one."""

NEAR_DAYS: Final = 2
"""With this many days left or fewer an item is shown as due soon."""


@dataclass(frozen=True)
class Item:
    """One paper in the queue of a bureau: amount in fen, `age` in days, `locked` the reason (a message id) why this officer may not act."""

    kind: str
    id: int
    state: str
    amount: int
    party: str
    about: str
    title: str
    age: int
    locked: str | None
    is_sample: bool

    @property
    def left(self) -> int:
        """Days left of `REVIEW_DAYS`; below zero when it is overdue."""
        return REVIEW_DAYS - self.age


@dataclass(frozen=True)
class Step:
    """One recorded change of a paper: who (user id and role), when, which event and with what reason."""

    at: datetime
    user_id: int | None
    role: str
    event: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Proof:
    """A document behind a claim; `elsewhere` counts the other references that name the same number under any kind."""

    kind: str
    number: str
    issued_on: date
    elsewhere: int


@dataclass(frozen=True)
class ApplicationFile:
    """An application with what the caps are measured against, in fen: `unspent` of earlier vouchers, `budget_left` not yet promised."""

    id: int
    state: str
    holder_id: int
    holder: str
    amount: int
    purpose: str
    sent_at: datetime
    created_by: int | None
    reviewer_id: int | None
    city_reviewer_id: int | None
    approver_id: None
    policy_version_id: int
    funder: str
    desk: str
    contract_name: str | None
    contract_number: str | None
    contract_value: int | None
    queued_at: datetime | None
    terms: Policy
    unspent: int
    budget_left: int
    vouchers: int
    is_sample: bool

    kind = "application"

    @property
    def parties(self) -> tuple[int, ...]:
        """The organisations whose own people may not decide."""
        return (self.holder_id,)


@dataclass(frozen=True)
class ClaimFile:
    """A claim with its voucher, its hold and its evidence; `reference` names what was bought, amounts in fen."""

    id: int
    code: str
    state: str
    amount: int
    payee_id: int
    payee: str
    funder: str
    reference: str
    frozen: int
    used: int
    voucher: str
    holder_id: int
    holder: str
    issued_on: date
    expires_use: date
    expires_redeem: date
    policy_version_id: int
    sent_at: datetime
    created_by: int | None
    reviewer_id: int | None
    approver_id: int | None
    payer_id: int | None
    bank_reference: str | None
    paid_on: date | None
    is_sample: bool
    terms: Policy
    proofs: tuple[Proof, ...]

    kind = "claim"

    @property
    def parties(self) -> tuple[int, ...]:
        """The organisations whose own people may not decide."""
        return (self.payee_id, self.holder_id)


@dataclass(frozen=True)
class ClaimRow:
    """One claim of a payee, for its own list; amount in fen."""

    id: int
    code: str
    state: str
    amount: int
    reference: str
    sent_at: datetime
    paid_on: date | None
    bank_reference: str | None
    is_sample: bool


@dataclass(frozen=True)
class ApplicationRow:
    """One application of a holder, for its own list; `reason` is what the officer wrote last, amount in fen."""

    id: int
    state: str
    policy: str
    title: str
    amount: int
    purpose: str
    sent_at: datetime
    reason: str
    ahead: int
    """How many wait before it for the same budget."""
    notice_ends: date | None
    voucher_id: int | None
    is_sample: bool


Paper = ApplicationFile | ClaimFile

DUTIES: Final[dict[tuple[str, str], tuple[Role, tuple[str, ...]]]] = {
    ("application", "county_review"): ("reviewer", ("refuse", "return", "pass")),
    ("application", "city_review"): ("reviewer", ("refuse", "return", "pass")),
    ("claim", "submitted"): ("reviewer", ("refuse", "return", "check_ok")),
    ("claim", "verified"): ("finance", ("approve",)),
}
"""Who may do what next: (kind, state) → role and its events."""

_WAITS: Final[dict[Role, str]] = {"reviewer": N_("等审核员初审"), "finance": N_("等财务办理")}
_OWN_STEP: Final = (
    ("created_by", N_("申请是你提交的，要由别人办理")),
    ("reviewer_id", N_("初审人是你，要由别人办理")),
    ("approver_id", N_("批准人是你，要由别人拨付")),
)


def locked(actor: Actor, paper: Any) -> str | None:
    """Return why `actor` may not take the next step of `paper` (any row with kind, state and the ids of who acted), or None if they may."""
    duty = DUTIES.get((paper.kind, paper.state))
    if duty is None:
        return N_("这件已经办完，或者在等申请人。")
    if actor.role != duty[0]:
        return _WAITS[duty[0]]
    if actor.region != getattr(paper, "desk", actor.region):
        return N_("这件现在由另一级科技局审核。")
    if actor.organisation_id is not None and actor.organisation_id in getattr(paper, "parties", ()):
        return N_("这件和你的单位有关，要由别人办理")
    steps = [(name, why) for name, why in _OWN_STEP if (name, paper.state) != ("reviewer_id", "submitted")]  # sent again: anybody checks it
    return next((why for name, why in steps if actor.user_id is not None and getattr(paper, name) == actor.user_id), None)


def queue_for(session: Session, actor: Actor, *, today: date) -> list[Item]:
    """Return the papers that wait in the officer's region, those that this officer may decide first, then by age, the oldest first."""
    rows = session.execute(text(_QUEUE), {"funder": actor.region, "today": today}).all()
    same = ("kind", "id", "state", "amount", "party", "about", "title", "age", "is_sample")
    items = [Item(**{name: getattr(row, name) for name in same}, locked=locked(actor, row)) for row in rows]
    return sorted(items, key=lambda item: (item.locked is not None, -item.age, item.kind, item.id))


def history(session: Session, subject: str, subject_id: int) -> list[Step]:
    """Return every recorded change of a paper, the first first; `subject` is its table."""
    query = text("SELECT at, user_id, role, event, before, after, reason FROM audit WHERE subject = :subject AND subject_id = :id ORDER BY id")
    return [Step(**row) for row in session.execute(query, {"subject": subject, "id": subject_id}).mappings()]


def application_file(session: Session, application_id: int) -> ApplicationFile:
    """Return an application with its policy, what its holder has unspent and what the budget has left; raise `NotFound`."""
    row = session.execute(text(_APPLICATION), {"id": application_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    budget = session.get_one(Budget, row["budget_id"])
    facts = {name: value for name, value in row.items() if name != "budget_id"}
    return ApplicationFile(
        **facts,
        approver_id=None,
        terms=session.get_one(PolicyVersion, row["policy_version_id"]).terms,
        budget_left=budgets.free(session, budget),
    )


def claim_file(session: Session, claim_id: int) -> ClaimFile:
    """Return a claim with its voucher, hold, payout and evidence; raise `NotFound`."""
    row = session.execute(text(_CLAIM), {"id": claim_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    terms = session.get_one(PolicyVersion, row["policy_version_id"]).terms
    return ClaimFile(**row, terms=terms, proofs=tuple(proofs(session, row["reference"])))


def proofs(session: Session, reference: str) -> list[Proof]:
    """Return the documents stored for `reference` in the order in which they came, and where else their numbers turn up."""
    return [Proof(**row) for row in session.execute(text(_PROOFS), {"reference": reference}).mappings()]


def claims_of(session: Session, payee_id: int) -> list[ClaimRow]:
    """Return the claims of a payee, the newest first."""
    return [ClaimRow(**row) for row in session.execute(text(_CLAIMS), {"payee": payee_id}).mappings()]


def claims_for(session: Session, references: list[str]) -> dict[str, ClaimRow]:
    """Return the claim of each of `references` that has one."""
    if not references:
        return {}
    query = text(_CLAIMS.replace("c.payee_id = :payee", "h.reference IN :references")).bindparams(bindparam("references", expanding=True))
    return {row["reference"]: ClaimRow(**row) for row in session.execute(query, {"references": references}).mappings()}


def unclaimed(session: Session, references: list[str]) -> dict[str, str]:
    """Return of `references` those whose hold was used and not claimed yet, or whose claim came back, with the payee of the policy."""
    if not references:
        return {}
    query = text(_UNCLAIMED).bindparams(bindparam("references", expanding=True))
    return {row.reference: row.payee for row in session.execute(query, {"references": references})}


def applications_of(session: Session, holder_id: int, *, limit: int = 20) -> list[ApplicationRow]:
    """Return the applications of a holder, the newest first, each with the last reason that an officer wrote."""
    return [ApplicationRow(**row) for row in session.execute(text(_APPLICATIONS), {"holder": holder_id, "limit": limit}).mappings()]


_SENT = "(SELECT max(u.at) FROM audit u WHERE u.subject = '{0}' AND u.subject_id = {1}.id AND u.event = 'submit')"
_CAME = (
    "(SELECT max(u.at) FROM audit u WHERE u.subject = 'application' AND u.subject_id = a.id AND u.event IN ('submit', 'queue', 'serve', 'pass_up'))"
)
_SENT_CLAIM = _SENT.format("claim", "c")
"""When a paper came to where it lies: it waits from then on, not from its first draft."""

_QUEUE = f"""
SELECT 'application' AS kind, a.id, a.state, a.amount, o.name_zh AS party, a.purpose AS about, p.title, a.created_by, a.reviewer_id,
       NULL::bigint AS approver_id, a.is_sample, greatest(0, :today - ({_CAME} AT TIME ZONE 'Asia/Shanghai')::date) AS age
FROM application a JOIN organisation o ON o.id = a.holder_id JOIN policy_version p ON p.id = a.policy_version_id
WHERE a.desk = :funder AND a.state IN ('county_review', 'city_review')
UNION ALL
SELECT 'claim', c.id, c.state, c.amount, o.name_zh, c.code, p.title, c.created_by, c.reviewer_id,
       c.approver_id, v.is_sample, greatest(0, :today - ({_SENT_CLAIM} AT TIME ZONE 'Asia/Shanghai')::date)
FROM claim c JOIN organisation o ON o.id = c.payee_id JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id
JOIN policy_version p ON p.id = v.policy_version_id
WHERE c.funder = :funder AND c.state IN ('submitted', 'verified')
"""

_APPLICATION = f"""
SELECT a.id, a.state, a.holder_id, o.name_zh AS holder, a.amount, a.purpose, {_CAME} AS sent_at, a.created_by,
       a.reviewer_id, a.city_reviewer_id, a.desk, a.contract_name, a.contract_number, a.contract_value, a.queued_at,
       a.policy_version_id, p.funder, a.budget_id, a.is_sample,
       coalesce((SELECT sum(b.available + b.held) FROM voucher_balance b JOIN policy_version w ON w.id = b.policy_version_id
                 WHERE b.holder_id = a.holder_id AND w.policy = p.policy), 0)::bigint AS unspent,
       (SELECT count(*) FROM voucher v WHERE v.holder_id = a.holder_id) AS vouchers
FROM application a JOIN organisation o ON o.id = a.holder_id JOIN policy_version p ON p.id = a.policy_version_id WHERE a.id = :id
"""

_CLAIM = f"""
SELECT c.id, c.code, c.state, c.amount, c.payee_id, q.name_zh AS payee, c.funder, h.reference, coalesce(s.amount, h.amount) AS frozen,
       coalesce(s.used, h.used) AS used, v.code AS voucher,
       v.holder_id, o.name_zh AS holder, v.issued_on, v.expires_use, v.expires_redeem, v.policy_version_id, {_SENT_CLAIM} AS sent_at, c.created_by,
       c.reviewer_id, c.approver_id, c.payer_id, y.bank_reference, y.paid_on, v.is_sample
FROM claim c JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id JOIN organisation o ON o.id = v.holder_id
JOIN organisation q ON q.id = c.payee_id LEFT JOIN share s ON s.id = c.share_id LEFT JOIN payout y ON y.id = c.payout_id WHERE c.id = :id
"""

_PROOFS = """
SELECT e.kind, e.number, e.issued_on,
       (SELECT count(DISTINCT x.reference) FROM evidence x WHERE x.number = e.number AND x.reference <> e.reference) AS elsewhere
FROM evidence e WHERE e.reference = :reference ORDER BY e.id
"""

_CLAIMS = f"""
SELECT c.id, c.code, c.state, c.amount, h.reference, {_SENT_CLAIM} AS sent_at, y.paid_on, y.bank_reference, v.is_sample
FROM claim c JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id LEFT JOIN payout y ON y.id = c.payout_id
WHERE c.payee_id = :payee ORDER BY c.id DESC LIMIT 200
"""

_UNCLAIMED = """
SELECT h.reference, p.body ->> 'payee' AS payee FROM hold h JOIN voucher v ON v.id = h.voucher_id
JOIN policy_version p ON p.id = v.policy_version_id LEFT JOIN claim c ON c.hold_id = h.id
WHERE h.state = 'used' AND h.reference IN :references AND (c.id IS NULL OR c.state = 'draft')
"""

_APPLICATIONS = f"""
SELECT a.id, a.state, p.policy, p.title, a.amount, a.purpose, {_CAME} AS sent_at, a.is_sample,
       coalesce((SELECT u.reason FROM audit u WHERE u.subject = 'application' AND u.subject_id = a.id AND u.reason <> ''
                 ORDER BY u.id DESC LIMIT 1), '') AS reason,
       (SELECT count(*) FROM application w
        WHERE w.budget_id = a.budget_id AND w.state = 'waitlisted' AND (w.queued_at, w.id) < (a.queued_at, a.id)) AS ahead,
       (SELECT max(n.ends) FROM notice n WHERE n.subject = 'application' AND n.subject_id = a.id AND a.state = 'approved') AS notice_ends,
       (SELECT v.id FROM voucher v WHERE v.application_id = a.id) AS voucher_id
FROM application a JOIN policy_version p ON p.id = a.policy_version_id WHERE a.holder_id = :holder ORDER BY a.id DESC LIMIT :limit
"""
