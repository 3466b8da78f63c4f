"""What the pages of policies show: a policy in words, who rules when, a draft with its faults and its diff, a simulation in tables.

Context for templates; what may be done is `vouchers.drafts`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import policyform, policywords
from app.accounts import User
from app.i18n import gettext, translate
from app.policyform import Sheet
from app.policywords import CHOICES, Row, Words
from bookings import past
from bookings.past import Wanted
from core import clock
from core.actor import Actor
from core.errors import N_, Invalid
from core.money import yuan
from geodata.instruments import Service
from geodata.regions import is_within
from vouchers import diff, drafts, versions
from vouchers.contradictions import Fault
from vouchers.drafts import PolicyDraft
from vouchers.policy import PolicyVersion
from vouchers.simulate import DEFINITION, Line, Simulation, Sum, simulate
from vouchers.terms import Policy
from vouchers.versions import Span

STATES: Final = {"editing": N_("起草中"), "submitted": N_("待另一位审核员发布"), "published": N_("已发布"), "discarded": N_("已放弃")}
EVENTS: Final = {
    "start": N_("开始起草"),
    "edit": N_("保存"),
    "rebase": N_("接到最新版本上"),
    "submit": N_("送交发布"),
    "return": N_("退回修改"),
    "discard": N_("放弃"),
    "publish": N_("发布"),
}
SIZES: Final = {"micro": N_("微型"), "small": N_("小型"), "medium": N_("中型"), "large": N_("大型"), "": N_("没有登记规模")}
TOP: Final = 20
"""Rows of the longest tables that a page shows; the CSV has all."""


@dataclass(frozen=True)
class Card:
    """One policy in a list: its newest version, where it holds, the gist, and whether any version rules today."""

    version: PolicyVersion
    region: str
    funder: str
    pays: str
    rules: PolicyVersion | None
    coming: PolicyVersion | None
    assumed: bool
    draft: PolicyDraft | None = None


@dataclass(frozen=True)
class Typed:
    """What the page of a draft shows again: the form, its faults by field, and why it was refused."""

    sheet: Sheet | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    note: str = ""


def rows(said: Words, terms: Policy) -> list[Row]:
    """Return every clause of a version that says something, in words."""
    return [policywords.row(said, one) for one in diff.clauses(terms) if one.value not in (None, "", [], {})]


def cards(session: Session, found: Sequence[PolicyVersion], said: Words, *, today: date) -> list[Card]:
    """Return the policies of a list; one query for all their versions and one for their drafts."""
    names = [one.policy for one in found]
    every: dict[str, list[PolicyVersion]] = {name: [] for name in names}
    for version in session.scalars(select(PolicyVersion).where(PolicyVersion.policy.in_(names)).order_by(PolicyVersion.version)):
        every[version.policy].append(version)
    query = select(PolicyDraft).where(PolicyDraft.policy.in_(names), PolicyDraft.state.in_(drafts.OPEN))
    open_ = {draft.policy: draft for draft in session.scalars(query)}
    return [_card(said, one, versions.timeline(every[one.policy]), today=today, draft=open_.get(one.policy)) for one in found]


def _card(said: Words, newest: PolicyVersion, spans: tuple[Span, ...], *, today: date, draft: PolicyDraft | None) -> Card:
    rules = next((span.version for span in spans if span.holds(today)), None)
    coming = next((span.version for span in spans if span.first > today and span.version), None)
    shown = (rules or newest).terms
    pays = said.say("tiers", diff.plain(shown)["tiers"]) if shown.tiers else said.say("settlement_mode", shown.settlement_mode)
    assumed = shown.is_assumed("tiers") or shown.is_assumed("caps")
    return Card(newest, said.region(newest.region), said.region(newest.funder), pays, rules, coming, assumed, draft)


def public_context(session: Session, code: str) -> dict[str, Any]:
    """Show a policy to everybody: what rules today in words, every version with what it changed, and who rules when."""
    found, said, today = versions.versions_of(session, code), policywords.words(session), clock.today(session)
    spans = versions.timeline(found)
    rules = next((span.version for span in spans if span.holds(today)), None)
    shown = rules or found[0]
    older = {one.version: one for one in found}
    changes = {one.version: _changes(said, older.get(one.version - 1), one) for one in found if one.version > 1}
    return {
        "newest": found[0],
        "shown": shown,
        "rules": rules,
        "terms": shown.terms,
        "rows": rows(said, shown.terms),
        "gist": gist(said, shown.terms),
        "spans": spans,
        "versions": found,
        "changes": changes,
        "today": today,
        "region": said.region(shown.region),
    }


def _changes(said: Words, old: PolicyVersion | None, new: PolicyVersion) -> list[Row]:
    return [policywords.changed(said, one) for one in diff.compare(old.terms if old else None, new.terms)]


def version_context(session: Session, code: str, number: int) -> dict[str, Any]:
    """Show one version with every clause and its source, and what it changed against the one before."""
    version, said = versions.version_of(session, code, number), policywords.words(session)
    before = versions.version_of(session, code, number - 1) if number > 1 else None
    changes = _changes(said, before, version) if before else []
    spans = [one for one in versions.timeline(versions.versions_of(session, code)) if one.version is version]
    return {"version": version, "rows": rows(said, version.terms), "changes": changes, "region": said.region(version.region), "spans": spans}


def gist(said: Words, terms: Policy) -> list[str]:
    """Say in plain sentences what a policy gives."""
    body = diff.plain(terms)

    def say(path: str) -> str:
        value: Any = body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return said.say(path, value)

    found = []
    if terms.pays_orders:
        found.append(gettext("%(who)s买服务，按比例付：%(pays)s。", who=say("eligibility.applicant_types"), pays=say("tiers")))
        found.append(gettext("可以买：%(services)s。", services=say("services.allow")))
    if terms.caps.per_year:
        found.append(gettext("一家一年最多 ¥%(cap)s。", cap=yuan(terms.caps.per_year, 0)))
    if terms.services.deny_if:
        found.append(gettext("这些情形不能用：%(cases)s。", cases=say("services.deny_if")))
    if terms.issues:
        found.append(gettext("用券期限：%(months)s；没用完的钱过期%(money)s。", months=say("use_window.months"), money=say("use_window.on_expiry")))
    found.append(gettext("%(mode)s。", mode=say("settlement_mode")))
    return found


def without_policy(session: Session, province: str, found: Sequence[PolicyVersion]) -> dict[str, Any]:
    """Return the counties and zones without a policy of their own: those that a city or province pays, and those that nobody does."""
    every = [one for one in versions.places(session, province, [one for one in found if one.terms.issues]) if not one.own]
    return {
        "covered": [one for one in every if one.above],
        "bare": [one for one in every if not one.above],
        "titles": {one.policy: one.title for one in found},
    }


def draft_context(session: Session, actor: Actor, row: PolicyDraft, shown: Typed) -> dict[str, Any]:
    """Show a draft: the form, what differs from the version that it rests on, what happened, and what may be done."""
    said, terms = policywords.words(session), drafts.terms_of(row)
    base = versions.version_of(session, row.policy, row.base_version) if row.base_version else None
    newest = drafts.newest(session, row.policy)
    writers = drafts.authors(session, row)
    return {
        "draft": row,
        "terms": terms,
        "sheet": shown.sheet or policyform.shown(terms, row.body, row.reason),
        "shown": shown,
        "base": base,
        "newest": newest,
        "stale": row.state in drafts.OPEN and (newest.version if newest else 0) != row.base_version,
        "changes": [policywords.changed(said, one) for one in diff.compare(base.terms if base else None, terms)],
        "rows": rows(said, terms) if row.state != "editing" else [],
        "blocked": translate(no) if row.state in drafts.OPEN and (no := drafts.blocked(session, row)) else "",
        "may": actor.role == "reviewer",
        "author": actor.user_id in writers,
        "states": STATES,
        "events": EVENTS,
        "steps": _steps(session, row),
        **choices(session, said, row),
    }


def _steps(session: Session, row: PolicyDraft) -> list[tuple[drafts.Step, str, list[str]]]:
    """Return each step with the name of the person and of the clauses that it changed."""
    found = drafts.steps(session, row)
    names = {one.id: one.name for one in session.execute(select(User.id, User.name).where(User.id.in_({step.user_id for step in found})))}
    return [(step, names.get(step.user_id or 0, ""), [policywords.title(path) for path in step.changed]) for step in found]


def choices(session: Session, said: Words, row: PolicyDraft) -> dict[str, Any]:
    """Return what the form offers: words of each code, the tree of services, the regions that may be named."""
    every = list(session.scalars(select(Service).order_by(Service.parent, Service.code)))
    groups = [one for one in every if one.parent is None]
    tree = [
        (said.service(group.code), group.code, [(one.code, said.service(one.code)) for one in every if one.parent == group.code]) for group in groups
    ]
    region = str(row.body["region"])
    inside = [(code, name) for code, name in said.regions.items() if is_within(code, region) and code != region]
    around = [(code, name) for code, name in said.regions.items() if is_within(region, code) or is_within(code, region)]
    district = [(policywords.DISTRICT, said.region(policywords.DISTRICT))] if region.endswith("00") else []
    words = {path: [(code, gettext(text)) for code, text in known.items()] for path, known in CHOICES.items()}
    return {
        "words": words,
        "tree": tree,
        "inside": inside,
        "payers": [*district, *around],
        "titles": {path: policywords.title(path) for path in diff.CLAUSES},
    }


def told(found: Iterable[Fault]) -> dict[str, str]:
    """Return faults as sentences by field; of a row, at its column, or at the table where the whole is meant."""
    sentences: dict[str, str] = {}
    for one in found:
        sentences.setdefault(_field(one.path), translate(Invalid(one.path, one.text, **one.params)))
    return sentences


def _field(path: str) -> str:
    """Return the name of the form's field for the path of a fault."""
    parts = path.split(".")
    known = (*policyform.TEXTS, *policyform.TICKS)
    if parts[0] in policyform.TABLES:
        column = {"if": "same_city"}.get(parts[-1], parts[-1])
        return f"{parts[0]}.{parts[1]}.{column}" if len(parts) > 2 and column in policyform.TABLES[parts[0]] else parts[0]
    return next((".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in known), path)


def simulated(session: Session, row: PolicyDraft, *, year: int, own_paid: bool) -> Simulation:
    """Run a draft over the orders of a calendar year, against the newest published version and the budget of that year."""
    terms, newest = drafts.terms_of(row), drafts.newest(session, row.policy)
    orders = past.orders_of(session, Wanted(row.policy, terms.region, year, own_paid))
    adopted = past.budget_of(session, funder=terms.funder, policy=row.policy, year=year)
    return simulate(orders, now=newest.terms if newest else None, draft=terms, adopted=adopted)


def simulation_context(session: Session, row: PolicyDraft, *, year: int, own_paid: bool) -> dict[str, Any]:
    """Show a simulation: the sums, the budget, who gets more and who less, what is refused, and what the figures mean."""
    said, found = policywords.words(session), simulated(session, row, year=year, own_paid=own_paid)
    holders = {str(line.order.holder_id): line.order.holder for line in found.lines}
    by_holder = found.by("holder")
    newest = drafts.newest(session, row.policy)
    return {
        "draft": row,
        "newest": newest,
        "year": year,
        "years": past.years_of(session, str(row.body["region"])),
        "own_paid": own_paid,
        "found": found,
        "tables": [
            (gettext("按县（市、区）"), [(said.region(one.key), one) for one in found.by("region")]),
            (gettext("按服务"), [(said.service(one.key), one) for one in found.by("service")]),
            (gettext("按企业规模"), [(gettext(SIZES.get(one.key, one.key)), one) for one in found.by("size")]),
        ],
        "gain": [(holders[one.key], one) for one in by_holder if one.change > 0][:TOP],
        "lose": [(holders[one.key], one) for one in by_holder if one.change < 0][:TOP],
        "spread": _spread(found),
        "layers": [(said.region(code), amount) for code, amount in found.layers],
        "refused": [(translate((clause.title, {})), translate((clause.detail, dict(clause.params))), lines) for clause, lines in found.refused],
        "definition": [gettext(text) for text in DEFINITION],
        "as_of": clock.now(session),
        "top": TOP,
    }


def _spread(found: Simulation) -> list[dict[str, Any]]:
    most = max((n for _, _, n in found.spread), default=0)
    return [
        {"text": _step(low, high), "n": n, "share": n / most if most else 0, "sign": -1 if high <= 0 else (0 if low == 0 else 1)}
        for low, high, n in found.spread
    ]


def _step(low: int, high: int) -> str:
    huge = 10**15
    if low == 0:
        return gettext("不变")
    if low < 0:
        return gettext("少 ¥%(most)s 以上", most=yuan(-high, 0)) if low == -huge and high else _between(-high, -low, more=False)
    return gettext("多 ¥%(least)s 以上", least=yuan(low - 1, 0)) if high == huge else _between(low - 1, high - 1, more=True)


def _between(least: int, most: int, *, more: bool) -> str:
    values = {"least": yuan(least, 0), "most": yuan(most, 0)}
    return gettext("多 ¥%(least)s–%(most)s", **values) if more else gettext("少 ¥%(least)s–%(most)s", **values)


def simulation_csv(session: Session, row: PolicyDraft, *, year: int, own_paid: bool) -> str:
    """Write every order of a simulation with its amounts in yuan, after lines that say what the figures mean."""
    said, found = policywords.words(session), simulated(session, row, year=year, own_paid=own_paid)
    out = io.StringIO()
    writer = csv.writer(out)
    newest = drafts.newest(session, row.policy)
    heads = [
        gettext("政策 %(policy)s，草稿 %(draft)s，对照第 %(version)s 版", policy=row.policy, draft=row.id, version=newest.version if newest else 0)
    ]
    heads.append(gettext("截至 %(day)s", day=clock.now(session).astimezone(clock.SHANGHAI).isoformat(timespec="minutes")))
    for text in (*heads, *(gettext(one) for one in DEFINITION)):
        writer.writerow([f"# {text}"])
    writer.writerow([gettext(name) for name in _HEADS])
    writer.writerows([_safe(cell) for cell in _cells(said, line)] for line in found.lines)
    return "\ufeff" + out.getvalue()


def _cells(said: Words, line: Line) -> list[str]:
    order = line.order
    names = [
        order.code,
        order.on.isoformat(),
        order.holder,
        said.region(order.region),
        said.service(order.service),
        gettext(SIZES.get(order.size, order.size)),
    ]
    sums = [_plain(amount) for amount in (order.price, order.paid, line.before, line.after, line.change)]
    return [*names, *sums, translate((line.decided.title, {})), gettext("不给") if line.refused else ""]


def _plain(fen: int) -> str:
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def _safe(cell: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and not cell[1:2].isdigit()) else cell


_HEADS: Final = (
    N_("订单"),
    N_("签约日"),
    N_("企业"),
    N_("县（市、区）"),
    N_("服务"),
    N_("规模"),
    N_("价格（元）"),
    N_("当时付的（元）"),
    N_("现行版本（元）"),
    N_("草稿（元）"),
    N_("差额（元）"),
    N_("决定的条款"),
    N_("草稿不给"),
)

__all__ = ["Sum", "cards", "draft_context", "public_context", "simulation_context", "simulation_csv", "told", "version_context", "without_policy"]
