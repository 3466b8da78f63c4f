"""The enterprise's page to apply for a voucher: which policies there are, what their budgets have left, with a contract or without.

What cannot be applied for now is said in plain words, with what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from pydantic import Field

from app import contracts, evidence, forms, labels
from app.errors import kind_of
from app.forms import Form, MaybeId, RequestId, Required, Text, yuan_field
from app.i18n import translate
from core import clock
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused, RequestReused
from core.money import yuan
from geodata.organisations import Organisation
from vouchers import applications, budgetbook, budgets, funds, policy
from vouchers.claims import Document, add_evidence
from vouchers.entities import Application
from vouchers.policy import PolicyVersion
from vouchers.terms import Fund


class Ask(Form):
    """An application: policy code, or policy/fund, an amount in fen or one of the own orders, and what it is for."""

    policy: Annotated[Required, Field(max_length=100)]
    amount: Annotated[int | None, yuan_field("amount")] = None
    order: MaybeId = None
    purpose: Annotated[Required, Field(max_length=500)]
    request_id: RequestId
    fund: Annotated[Text, Field(max_length=60)] = ""


@dataclass(frozen=True)
class Way:
    """One thing that may be applied for: a policy, or a fund of it; what its budget of the year has free and how many wait. `year` is this one."""

    version: PolicyVersion
    fund: Fund | None
    year: int
    is_open: bool
    free: int
    waiting: int

    @property
    def value(self) -> str:
        """What the form sends."""
        return f"{self.version.policy}/{self.fund.code}" if self.fund else self.version.policy

    @property
    def by_contract(self) -> bool:
        """Whether a contract comes first."""
        return self.version.terms.issuance == "contract_first"


def submit() -> ResponseReturnValue:
    """Take an application, or show the form again with what is wrong."""
    given, faults = forms.read(Ask, request.form)
    typed = {name: request.form.get(name, "")[:600] for name in ("policy", "amount", "order", "purpose", "request_id")}
    papers, unfit = evidence.handed_in("contract")
    if given is None or unfit:
        return form(typed, forms.told({**faults, **unfit})), 422
    try:
        made = _apply(given)
        _attach(made, papers)
    except Invalid as wrong:
        g.session.rollback()
        return form(typed, {wrong.field: translate(wrong)}), 422
    except (Refused, Forbidden, NotFound, RequestReused) as no:
        g.session.rollback()
        return form(typed, {}, no=no), kind_of(no).status
    flash(_told(made), "ok" if made.state != "waitlisted" else "warn")
    return redirect(url_for("enterprise.vouchers"), 303)


def resume() -> ResponseReturnValue:
    """Send an application again or take it back."""
    given, _ = forms.read(forms.Resume, request.form)
    if given is None:
        raise NotFound
    facts = given.model_dump(exclude={"application"})
    applications.resume(g.session, g.actor, application_id=given.application, **facts)
    if given.event == "withdraw":
        flash(gettext("申领已撤回，预留的钱退回了预算。"), "ok")
    else:
        flash(_told(g.session.get_one(Application, given.application)), "ok")
    return redirect(url_for("enterprise.vouchers"), 303)


def form(typed: Mapping[str, str], faults: Mapping[str, str], *, no: MapError | None = None) -> str:
    """Return the page with the form as filled in, its faults and the refusal."""
    holder = g.session.get_one(Organisation, g.actor.organisation_id)
    today = clock.today(g.session)
    versions = policy.for_holder(g.session, holder.adcode or "", today)
    found = [way for one in versions if holder.kind in one.terms.eligibility.applicant_types for way in _ways(one, holder, today.year)]
    clause = no.clause if isinstance(no, Refused) else ""
    more: dict[str, Any] = {"clause": clause, "request_id": typed.get("request_id") or forms.new_request_id(), "clauses": CLAUSES}
    orders = contracts.choices(g.session, g.actor) if any(way.by_contract for way in found) else []
    return render_template(
        "enterprise/apply.html",
        organisation=holder,
        ways=found,
        orders=orders,
        order_options=[("", gettext("不按合同")), *((one.id, f"{one.code} {one.about} ¥{yuan(one.price)}") for one in orders)],
        modes=labels.MODES,
        typed=typed,
        faults=faults,
        refusal=forms.refusal(no, labels.ORDER_STATES),
        **more,
    )


CLAUSES = {
    "eligibility": N_("申领条件"),
    "per_application": N_("一次上限"),
    "holding": N_("手里没用完的上限"),
    "budget": N_("本年预算"),
    "standing": N_("单位登记"),
    "issuance": N_("申领方式"),
    "order": N_("合同"),
}
"""What the clauses of a refusal are called."""


def _attach(made: Application, papers: Mapping[str, int]) -> None:
    """Tie the contract that came as a file to the application; it has no number but the application's own."""
    for kind, file_id in papers.items():
        document = Document(kind, f"A-{made.id}", clock.today(g.session), file_id)
        add_evidence(g.session, g.actor, reference=f"application:{made.id}", document=document)


def _apply(given: Ask) -> Application:
    code, _, fund = given.policy.partition("/")
    version = policy.in_force(g.session, code, clock.today(g.session))
    more: dict[str, Any] = {"purpose": given.purpose, "request_id": given.request_id, "fund": fund}
    if version.terms.issuance == "contract_first":
        if given.order is None:
            raise Invalid("order", N_("请选一份合同，金额按它算。"))
        more |= {"amount": None, "contract": contracts.contract_of(g.session, g.actor, given.order)}
    else:
        if given.amount is None:
            raise Invalid("amount", N_("请填写申领金额。"))
        more["amount"] = given.amount
    made: Application = g.session.get_one(Application, applications.apply(g.session, g.actor, policy_code=code, **more))
    return made


def _told(row: Application) -> str:
    waits = gettext("申领已提交：¥%(amount)s。预算现在不够，已经按先后排队，钱一到就给你们留上。", amount=yuan(row.amount))
    told: str = (
        waits if row.state == "waitlisted" else gettext("申领已提交：¥%(amount)s，钱已经预留。审核结果会出现在这一页。", amount=yuan(row.amount))
    )
    return told


def _ways(version: PolicyVersion, holder: Organisation, year: int) -> list[Way]:
    purses = funds.open_to(g.session, version.terms, holder.id)
    first = version.terms.funds[0].code if version.terms.funds else ""
    known = {row.fund: row for row in budgetbook.book(g.session, version.funder, year) if row.policy == version.policy}
    found = []
    for fund in purses or (None,):
        row = known.get("" if fund is None or fund.code == first else fund.code)
        is_open = row is not None and row.state in budgets.OPEN
        found.append(Way(version, fund, year, is_open, row.free if row and is_open else 0, row.waiting if row else 0))
    return found
