"""The bureau's desk: the queue of a region, one paper with what speaks for and against it, and the decision with its reason.

Every rule is checked again under lock by `vouchers`; this page only shows beforehand what would be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import deskqueue, forms, labels
from app.access import allow
from app.accounts import User
from app.audiences import OFFICERS
from app.errors import kind_of
from app.i18n import listed, translate
from app.names import orders as in_words
from bookings import queries as orders
from bookings.queries import OrderPage
from core import clock
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from vouchers import applications, claims
from vouchers import desk as papers
from vouchers.claims import BY_THE_SYSTEM
from vouchers.desk import DUTIES, ApplicationFile, ClaimFile, Paper, Step
from vouchers.queries import related

bp = Blueprint("bureau", __name__)

Line = tuple[str, str, tuple[str, ...]]
"""A step of a paper: the state in which it waits for the step, its name, the events that end it."""

FILES: Final[dict[str, Callable[[Session, int], Paper]]] = {"application": papers.application_file, "claim": papers.claim_file}


@dataclass(frozen=True)
class Check:
    """One row of the check table: what is compared, what each document says, whether it fits, and the verdict in words."""

    title: str
    cells: tuple[str, ...]
    fits: bool
    verdict: str
    assumed: bool = False


@dataclass(frozen=True)
class Duty:
    """One of the numbered steps: what, who did it and when, or who may; `mine`: it is this officer's turn."""

    name: str
    step: Step | None
    who: str
    mine: bool
    must_not: str = ""


@dataclass(frozen=True)
class Shown:
    """What was decided on this page and refused: the form as filled in, its faults, the reason."""

    values: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    refusal: str = ""


@bp.get("/desk")
def desk() -> ResponseReturnValue:
    """Show the queue and the paper asked for, or else the first that this officer may decide."""
    kind, number = request.args.get("kind", ""), request.args.get("id", "")
    if not number:
        return _page(None, Shown())
    return _page(_file(kind, int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0), Shown())


@bp.post("/desk/<kind>/<int:paper_id>/<event>")
def decide(kind: str, paper_id: int, event: str) -> ResponseReturnValue:
    """Take the decision and go on to the next paper, or show this one again with what is wrong."""
    paper = _file(kind, paper_id)
    given, faults = forms.read(forms.Decision, request.form)
    if given is None:
        return _page(paper, Shown(_typed(), forms.told(faults))), 422
    try:
        _decide(paper, event, given=given)
    except Invalid as wrong:
        return _again(paper, Shown(_typed(), {wrong.field: translate(wrong)}), status=422)
    except (Refused, Forbidden) as no:
        return _again(paper, Shown(_typed(), refusal=forms.refusal(no, _states(paper))), status=kind_of(no).status)
    done = gettext(labels.BUREAU_EVENTS[event])
    flash(gettext("已办：%(event)s，%(party)s ¥%(amount)s。", event=done, party=_party(paper), amount=yuan(paper.amount)), "ok")
    if paper.kind == "application" and event == "pass" and _file(kind, paper_id).state == "city_review":
        return redirect(url_for("bureau.desk", kind=kind, id=paper_id), 303)  # nothing has moved yet: this page offers to take it back
    return redirect(url_for("bureau.desk"), 303)


def check_claim(paper: ClaimFile, order: OrderPage, *, today: date, related_parties: bool) -> list[Check]:
    """Compare the claim with the order that it pays and with its documents, the rows that do not fit first."""
    rows = [
        _parties(paper, order, related_parties=related_parties),
        _amounts(paper, order),
        _dates(paper, order, today=today),
        _first_use(paper, order),
        _complete(paper),
    ]
    return sorted(rows, key=lambda row: row.fits)


def check_application(paper: ApplicationFile) -> list[Check]:
    """Compare the application with the caps of its policy and with the budget, the rows that do not fit first."""
    return sorted(_caps(paper), key=lambda row: row.fits)


def duties(session: Session, paper: Paper) -> list[Duty]:
    """Return the steps of a paper in order: who did each, whose turn it is, and who must not."""
    steps = papers.history(session, paper.kind, paper.id)
    names = _names(session, {step.user_id for step in steps})
    return [_duty(paper, line, steps=steps, names=names) for line in _lines(paper)]


def _file(kind: str, paper_id: int) -> Paper:
    if kind not in FILES:
        raise NotFound
    paper = FILES[kind](g.session, paper_id)
    if getattr(paper, "desk", None) != g.actor.region or g.actor.role not in OFFICERS:
        allow(g.actor, region=paper.funder)
    return paper


def _decide(paper: Paper, event: str, *, given: forms.Decision) -> None:
    more = {"request_id": given.request_id}
    if (paper.kind, event) == ("application", "recall"):
        applications.recall(g.session, g.actor, application_id=paper.id, **more)
        return
    if event not in {name for (kind, _), (_, events) in DUTIES.items() if kind == paper.kind for name in events}:
        raise NotFound
    if paper.kind == "application":
        applications.decide(g.session, g.actor, application_id=paper.id, event=event, reason=given.reason, **more)
    elif event == "approve":
        claims.approve(g.session, g.actor, claim_id=paper.id, **more)
    else:
        claims.review(g.session, g.actor, claim_id=paper.id, event=event, reason=given.reason, **more)


def _again(paper: Paper, shown: Shown, *, status: int) -> ResponseReturnValue:
    """Show the page with the state that the database has after all: what was half done is rolled back first."""
    g.session.rollback()
    return _page(_file(paper.kind, paper.id), shown), status


def _page(paper: Paper | None, shown: Shown) -> str:
    kind = request.args.get("of", "")
    queue = deskqueue.queue_for(g.session, g.actor, kind=kind)
    here = [entry.item for entry in queue if entry.here]
    first = next((item for item in here if item.locked is None), here[0] if here else None)
    if paper is None and first is not None:
        paper = _file(first.kind, first.id)
    more = {"queue": queue, "counts": _counts(queue), "kinds": deskqueue.kinds_for(g.actor), "kind": kind}
    return render_template("bureau/desk.html", labels=labels, limit=papers.REVIEW_DAYS, **more, **_current(paper, shown))


def _current(paper: Paper | None, shown: Shown) -> dict[str, Any]:
    if paper is None:
        return {"paper": None}
    order = _order(paper)
    return {
        "paper": paper,
        "order": order,
        "checks": _checks(paper, order),
        "duties": duties(g.session, paper),
        "locked": papers.locked(g.actor, paper),
        "recall": isinstance(paper, ApplicationFile) and paper.state == "city_review" and paper.reviewer_id == g.actor.user_id,
        "events": DUTIES.get((paper.kind, paper.state), ("", ()))[1],
        "shown": shown,
        "request_id": shown.values.get("request_id") or forms.new_request_id(),
    }


def _checks(paper: Paper, order: OrderPage | None) -> list[Check]:
    if isinstance(paper, ApplicationFile):
        return check_application(paper)
    if order is None:
        return []
    same_group = "related_party" in paper.terms.services.deny_if and related(g.session, order.row.enterprise_id, order.row.carrier_id)
    return check_claim(paper, order, today=clock.today(g.session), related_parties=same_group)


def _order(paper: Paper) -> OrderPage | None:
    if isinstance(paper, ApplicationFile):
        return None
    _, _, number = paper.reference.partition("order:")
    if not number.isdigit():
        return None
    found = orders.order_of(g.session, g.actor, int(number))
    return replace(found, row=in_words(g.session, [found.row])[0])


def _counts(queue: list[deskqueue.Entry]) -> dict[str, int]:
    items = [entry.item for entry in queue]
    return {
        "mine": sum(item.locked is None for item in items),
        "over": sum(item.left < 0 for item in items),
        "near": sum(0 <= item.left <= papers.NEAR_DAYS for item in items),
    }


def _states(paper: Paper) -> dict[str, str]:
    return labels.APPLICATION_STATES if isinstance(paper, ApplicationFile) else labels.CLAIM_STATES


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "")[:600] for name in ("reason", "bank_reference", "request_id")}


def _party(paper: Paper) -> str:
    return paper.payee if isinstance(paper, ClaimFile) else paper.holder


def _parties(paper: ClaimFile, order: OrderPage, *, related_parties: bool) -> Check:
    due = claims.payee_of(paper.terms.payee, enterprise_id=order.row.enterprise_id, carrier_id=order.row.carrier_id)
    fits = paper.holder_id == order.row.enterprise_id and paper.payee_id == due and not related_parties
    verdict = gettext("双方由同一控制人控制") if related_parties else gettext("相符") if fits else gettext("不一致")
    return Check(gettext("双方"), (f"{order.row.enterprise} / {order.row.carrier}", "—", "—", "—"), fits, verdict)


def _amounts(paper: ClaimFile, order: OrderPage) -> Check:
    fits = paper.amount == order.row.voucher_part == paper.used <= paper.frozen
    said = gettext("价 ¥%(price)s，券付 ¥%(part)s", price=yuan(order.row.price), part=yuan(order.row.voucher_part))
    verdict = gettext("等于券付") if fits else gettext("申请兑现 ¥%(amount)s，对不上", amount=yuan(paper.amount))
    return Check(gettext("金额"), (said, "—", "—", "—"), fits, verdict)


def _dates(paper: ClaimFile, order: OrderPage, *, today: date) -> Check:
    issued = {proof.kind: proof.issued_on for proof in paper.proofs}
    start = order.contract_date
    late = [kind for kind, day in issued.items() if not start <= day <= today]
    fits = not late and paper.issued_on <= start <= paper.expires_use and today <= paper.expires_redeem
    verdict = gettext("先后对，在有效期里")
    if late:
        verdict = gettext("%(document)s的日期在签约以前或今天以后", document=gettext(labels.DOCUMENTS[late[0]]))
    elif not fits:
        verdict = gettext("不在券的有效期里")
    return Check(gettext("日期"), (start.isoformat(), *(_day(issued.get(kind)) for kind in _PAPERS)), fits, verdict)


def _first_use(paper: ClaimFile, order: OrderPage) -> Check:
    found = {proof.kind: proof for proof in paper.proofs}
    again = [proof for proof in paper.proofs if proof.elsewhere]
    verdict = gettext("都是首次用") if not again else gettext("%(number)s 在别处用过", number=again[0].number)
    numbers = (found[kind].number if kind in found else "—" for kind in _PAPERS)
    return Check(gettext("编号"), (order.row.code, *numbers), not again, verdict)


def _complete(paper: ClaimFile) -> Check:
    there = {proof.kind for proof in paper.proofs}
    missing = [kind for kind in paper.terms.redeem.evidence if kind not in there and kind not in BY_THE_SYSTEM]
    names = listed(gettext(labels.DOCUMENTS[kind]) for kind in missing)
    cells = (gettext("平台存着"), *(gettext("有") if kind in there else "—" for kind in _PAPERS))
    verdict = gettext("还缺：%(names)s", names=names) if missing else gettext("齐全")
    return Check(gettext("材料"), cells, not missing, verdict)


def _caps(paper: ApplicationFile) -> Iterator[Check]:
    caps, fine, over = paper.terms.caps, gettext("没超"), gettext("超了")
    if caps.per_application is not None:
        fits = paper.amount <= caps.per_application
        cells = (f"¥{yuan(caps.per_application)}", f"¥{yuan(paper.amount)}")
        yield Check(gettext("一次最多"), cells, fits, fine if fits else over, paper.terms.is_assumed("caps.per_application"))
    if caps.holding is not None:
        total = paper.unspent + paper.amount
        cells = (f"¥{yuan(caps.holding)}", gettext("现有 ¥%(unspent)s，加这次 ¥%(total)s", unspent=yuan(paper.unspent), total=yuan(total)))
        yield Check(
            gettext("手里没用完的最多"), cells, total <= caps.holding, fine if total <= caps.holding else over, paper.terms.is_assumed("caps.holding")
        )
    cells = (gettext("这次的 ¥%(amount)s 已经预留", amount=yuan(paper.amount)), gettext("预算还剩 ¥%(left)s", left=yuan(paper.budget_left)))
    yield Check(gettext("本年预算"), cells, fits=True, verdict=gettext("够"))


def _day(found: date | None) -> str:
    return found.isoformat() if found else "—"


def _names(session: Session, ids: set[int | None]) -> dict[int, str]:
    known = [found for found in ids if found is not None]
    return {row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(known)))}


def _lines(paper: Paper) -> tuple[Line, ...]:
    """Return the steps of a paper's kind; of an application those that its policy has."""
    if not isinstance(paper, ApplicationFile):
        return _STEPS[paper.kind]
    return _APPLIED[:1] + (_REVIEWS if len(paper.terms.review) > 1 else _ONE_REVIEW) + _APPLIED[1:]


def _duty(paper: Paper, line: Line, *, steps: list[Step], names: dict[int, str]) -> Duty:
    state, name, events = line
    done = next((step for step in reversed(steps) if step.event in events and step.before in (state, *_BEFORE.get(state, ()))), None)
    if paper.state == state:
        done = None  # a paper that came back is to be reviewed again
    duty = DUTIES.get((paper.kind, state))
    mine = paper.state == state and duty is not None and papers.locked(g.actor, paper) is None
    who = names.get(done.user_id or 0, gettext("系统") if done.role == "system" else gettext("申请人")) if done else ""
    return Duty(gettext(name), done, who, mine, _must_not(steps, names) if paper.state == state and not mine else "")


def _must_not(steps: list[Step], names: dict[int, str]) -> str:
    taken = list(dict.fromkeys(names.get(step.user_id or 0, "") for step in steps if step.role != "system"))
    found = listed(taken)
    return gettext("不能由 %(names)s 办理", names=found) if found else ""


_PAPERS: Final = ("service_result", "invoice", "payment_proof")
_N = labels.BUREAU_EVENTS
_BEFORE: Final = {"draft": ("", "waitlisted")}
"""From which other states a step is taken as well: an application is sent without having been a draft, and served from the queue."""
_APPLIED: Final[tuple[Line, ...]] = (("draft", _N["submit"], ("submit", "serve")), ("approved", _N["issue"], ("issue", "objection")))
_REVIEWS: Final[tuple[Line, ...]] = (
    ("county_review", N_("县级审核"), ("pass_up", "refuse", "return")),
    ("city_review", N_("市级审核"), ("pass", "refuse", "return")),
)
_ONE_REVIEW: Final[tuple[Line, ...]] = (("county_review", N_("审核"), ("pass", "refuse", "return")),)
_STEPS: Final[dict[str, tuple[Line, ...]]] = {
    "claim": (
        ("submitted", N_("初审"), ("check_ok", "refuse", "return")),
        ("verified", _N["approve"], ("approve",)),
        ("approved", _N["add_to_batch"], ("add_to_batch",)),
        ("batched", _N["pay"], ("pay",)),
    ),
}
