"""Who may call what: one table of all endpoints. What does not stand in it is closed.

The table answers for functions (which roles); for rows (whose) views call `allow`. A new page adds its line to the section of its
audience; a route without a line stops the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, redirect, request, url_for

from app import accounts, needaccess, security
from app.audiences import EVERYONE, OFFICERS, OPEN, OWN, PARTIES, PERSONS, Scope
from app.errors import LogInNeeded, is_machine
from core.actor import PUBLIC, Actor, Role
from core.errors import N_, Forbidden, NotFound
from geodata.regions import is_within

ROLE_NAMES: Final[dict[Role, str]] = {
    "public": N_("公众"),
    "enterprise": N_("企业和创客团队"),
    "carrier": N_("载体"),
    "reviewer": N_("审核员"),
    "finance": N_("财务"),
    "auditor": N_("审计员"),
    "planner": N_("规划人员"),
    "system": N_("系统"),
}


@dataclass(frozen=True)
class Rule:
    """Which roles may call an endpoint, on which rows (`scope`), and why: the sentence shown to whom it refuses (a message id).

    Scopes: all rows; `own` the actor's organisation's; `party` rows in which it takes part; `region` rows within an officer's region.
    """

    roles: tuple[Role, ...]
    scope: Scope
    why: str


class Denied(Forbidden):
    """The role does not fit; `rule` says who may."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        super().__init__(rule.why)


def init_app(app: Flask) -> None:
    """Put the guard before every request of `app`: who asks, whether this role may, whether the write is theirs."""
    app.before_request(_recognise)
    app.before_request(_guard)
    app.before_request(security.check_csrf)


def allow(actor: Actor, *, owner: int | None = None, parties: tuple[int | None, ...] = (), region: str | None = None) -> None:
    """Return if the row is the actor's: owned by its organisation, or with it among `parties`, or within an officer's `region` (adcode).

    Raises `NotFound` otherwise: of others' rows one does not even learn that they exist.
    """
    if actor.role == "system":
        return
    if actor.organisation_id is not None and actor.organisation_id in (owner, *parties):
        return
    if region is not None and actor.role in OFFICERS and actor.region is not None and is_within(region, actor.region):
        return
    raise NotFound


def unlisted(app: Flask) -> set[str]:
    """Return the endpoints of `app` that have no line in the table."""
    return {rule.endpoint for rule in app.url_map.iter_rules()} - ACCESS.keys()


def require_complete(app: Flask) -> None:
    """Stop the start when a route has no line in the table. A line without a route does no harm here; a test finds it."""
    missing = unlisted(app)
    if missing:
        raise RuntimeError(f"no line in app.access.ACCESS for: {', '.join(sorted(missing))}")


def safe_next(text: str | None) -> str:
    """Return `text` if it is a path of this site, else "/": nobody is sent elsewhere after logging in."""
    if not text or not text.startswith("/") or "\\" in text or any(ord(c) < 33 for c in text):
        return "/"
    parts = urlsplit(text)
    return "/" if parts.scheme or parts.netloc or text.startswith("//") else text


def _recognise() -> None:
    g.actor, g.person, g.bearer = PUBLIC, None, False
    if request.endpoint in _ANYBODY:
        return
    visit = accounts.visit_of(g.session, request)
    g.actor, g.person, g.bearer = visit.actor, visit.person, visit.bearer


def _guard() -> Response | None:
    if request.endpoint is None:
        return None  # no such page, or not by this method: the router answers, alike for everybody
    rule = ACCESS.get(request.endpoint)
    if rule is None:
        raise NotFound
    if "public" in rule.roles or g.actor.role in rule.roles:
        return None
    if g.person is not None:
        raise Denied(rule)
    if is_machine():
        raise LogInNeeded(N_("这里要先登录：请带上 Authorization: Bearer 令牌。"))
    return redirect(url_for("auth.log_in_form", next=safe_next(_wanted())), 303)  # type: ignore[return-value]


def _wanted() -> str:
    """Return where somebody goes on after logging in: the page asked for, or the check-out with all that was typed when the session ended."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    if request.endpoint != "enterprise.book":
        return "/"
    typed = [(name, value) for name, value in request.form.items() if name not in _ONCE]
    return f"{request.path}?{urlencode(typed)}"


_ONCE: Final = {"csrf_token", "request_id", "expected_voucher", "expected_own"}
"""Fields of the check-out that are good for one page only."""


_MONEY: Final = N_("财务台给本地财政的财务和审计员用。")
_PAYEE: Final = N_("收款账户由企业和载体自己填写。")
_RULES: Final = N_("政策的草稿只有出资地区的审核员、财务、审计员能看。")
_RULES_ME: Final = N_("政策由出资地区的审核员起草和发布。")
_CASE: Final = N_("材料只有办这件事的双方和本地的审核员、财务、审计员能看。")

_ANYBODY: Final = ("static", "tiles.tile")
"""Endpoints whose answer is alike for everybody, so nobody is looked up."""

_GROUND: Final = {
    "static": Rule(EVERYONE, "all", OPEN),
    "health.healthz": Rule(EVERYONE, "all", OPEN),
    "health.readyz": Rule(EVERYONE, "all", OPEN),
    "security.csp_report": Rule(EVERYONE, "all", N_("浏览器报告被拦下的内容。")),
    "problems.problem": Rule(EVERYONE, "all", OPEN),
    "auth.log_in_form": Rule(EVERYONE, "all", OPEN),
    "auth.log_in": Rule(EVERYONE, "all", OPEN),
    "auth.log_out": Rule(EVERYONE, "own", OPEN),
    "auth.me": Rule(PERSONS, "own", N_("登录后看自己的账号。")),
    "auth.take_seat": Rule(PERSONS, "own", N_("登录后换自己的岗位。")),
}
_PUBLIC: Final = {
    "public.search": Rule(EVERYONE, "all", OPEN),
    "public.carrier": Rule(EVERYONE, "all", OPEN),
    "public.instrument": Rule(EVERYONE, "all", OPEN),
    "public.about": Rule(EVERYONE, "all", OPEN),
    "policies.overview": Rule(EVERYONE, "all", OPEN),
    "policies.one": Rule(EVERYONE, "all", OPEN),
    "policies.version": Rule(EVERYONE, "all", OPEN),
    "audit.seal": Rule(EVERYONE, "all", OPEN),
    "audit.roots_file": Rule(EVERYONE, "all", OPEN),
    "map.base": Rule(EVERYONE, "all", OPEN),
    "tiles.tile": Rule(EVERYONE, "all", OPEN),
    "tiles.about": Rule(EVERYONE, "all", OPEN),
    "map.waters": Rule(EVERYONE, "all", OPEN),
    "map.carriers": Rule(EVERYONE, "all", OPEN),
    "map.view": Rule(EVERYONE, "all", OPEN),
    "compare.page": Rule(EVERYONE, "all", OPEN),
    "map.view_csv": Rule(EVERYONE, "all", OPEN),
    "map.view_geojson": Rule(EVERYONE, "all", OPEN),
}
_OGC: Final = {
    "ogc.landing": Rule(EVERYONE, "all", OPEN),
    "ogc.conformance": Rule(EVERYONE, "all", OPEN),
    "ogc.api": Rule(EVERYONE, "all", OPEN),
    "ogc.collections": Rule(EVERYONE, "all", OPEN),
    "ogc.collection": Rule(EVERYONE, "all", OPEN),
    "ogc.schema": Rule(EVERYONE, "all", OPEN),
    "ogc.features": Rule(EVERYONE, "all", OPEN),
    "ogc.feature": Rule(EVERYONE, "all", OPEN),
}
_ENTERPRISE: Final = {
    "enterprise.checkout": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "enterprise.book": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "enterprise.vouchers": Rule(("enterprise",), "own", N_("券只有持券的企业和团队能看。")),
    "enterprise.apply": Rule(("enterprise",), "own", N_("申领由企业和创客团队自己办。")),
    "enterprise.orders": Rule(("enterprise",), "own", N_("预约只有下单的企业能看。")),
    "enterprise.order": Rule(PARTIES, "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "payee.account": Rule(PARTIES, "own", _PAYEE),
    "payee.enter": Rule(PARTIES, "own", _PAYEE),
    "payee.confirm": Rule(PARTIES, "own", _PAYEE),
    "enterprise.order_event": Rule(PARTIES, "party", N_("一笔预约由下单的企业和接单的载体办理。")),
}
_SAVED: Final = dict.fromkeys(
    ("saved.list", "saved.keep", "saved.take", "saved.pause", "saved.drop", "saved.read"),
    Rule(("enterprise",), "own", N_("搜索由企业和创客团队自己保存，只有本人能看。")),
)
_CARRIER: Final = {
    "carrier.desk": Rule(("carrier",), "own", N_("接单台给载体的人用。")),
    "carrier.listing_new": Rule(("carrier",), "own", N_("仪器由载体自己上架。")),
    "earnings.statement": Rule(("carrier",), "own", N_("收入只有本载体能看。")),
    "earnings.statement_csv": Rule(("carrier",), "own", N_("收入只有本载体能看。")),
    "earnings.quotation_new": Rule(("carrier",), "own", N_("报价由载体自己办。")),
    "uploads.overview": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.upload": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.one": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.step": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.marked": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
}
_JOINING: Final = {
    "joining.notice_list": Rule(EVERYONE, "all", OPEN),
    "joining.notice": Rule(EVERYONE, "all", OPEN),
    "joining.object_to": Rule(EVERYONE, "all", N_("公示期里人人可以提异议。")),
    "joining.register_form": Rule(EVERYONE, "own", N_("单位由它自己的人登记。")),
    "joining.register": Rule(EVERYONE, "own", N_("单位由它自己的人登记。")),
    "joining.invitation": Rule(EVERYONE, "own", N_("拿到邀请的人可以加入。")),
    "joining.accept": Rule(EVERYONE, "own", N_("拿到邀请的人可以加入。")),
    "organisation.mine": Rule(PERSONS, "own", OWN),
    "organisation.revise": Rule(PARTIES, "own", N_("单位由它自己的人登记。")),
    "organisation.add_files": Rule(PARTIES, "own", N_("单位由它自己的人登记。")),
    "organisation.add_certificate": Rule(("carrier",), "own", N_("资质由载体自己填报。")),
    "organisation.withdraw": Rule(("carrier",), "own", N_("退出由载体自己办。")),
    "organisation.invite": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "organisation.revoke": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "organisation.member": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "admission.desk": Rule(("reviewer", "auditor"), "region", N_("登记、公示和资质由本地的审核员办理，审计员可看。")),
    "admission.decide": Rule(("reviewer",), "region", N_("登记、公示和资质由本地的审核员办理，审计员可看。")),
}
_WORDS: Final = N_("词库给载体、审核员和规划人员看，也由他们提改动。")
_FILES: Final = {
    "files.view": Rule((*PARTIES, *OFFICERS), "party", _CASE),
    "files.download": Rule((*PARTIES, *OFFICERS), "party", _CASE),
    "files.page": Rule((*PARTIES, *OFFICERS), "party", _CASE),
    "api.file": Rule((*PARTIES, *OFFICERS), "party", _CASE),
    "api.hand_in_file": Rule(PARTIES, "own", N_("材料由办事的企业和载体自己交。")),
}
_BUREAU: Final = {
    "jobs.failed": Rule(OFFICERS, "region", N_("自动办理的结果给审核员、财务、审计员看。")),
    "jobs.retry": Rule(OFFICERS, "region", N_("自动办理的结果给审核员、财务、审计员看。")),
    **dict.fromkeys(
        ("campaigns.book", "campaigns.start", "campaigns.one", "campaigns.table", "campaigns.drop"),
        Rule(("reviewer", "planner"), "region", N_("集中匹配给本地的审核员和规划人员用。")),
    ),
    "lexicon.book": Rule(("carrier", "reviewer", "planner"), "all", _WORDS),
    "lexicon.propose": Rule(("carrier", "reviewer", "planner"), "all", _WORDS),
    "lexicon.decide": Rule(("reviewer", "planner"), "all", N_("词库的改动由审核员或规划人员决定。")),
    "bureau.desk": Rule(OFFICERS, "region", N_("审核台给科技局和财政的审核员、财务、审计员用。")),
    "policies.desk": Rule(OFFICERS, "region", _RULES),
    "policies.draft": Rule(OFFICERS, "region", _RULES),
    "policies.simulation": Rule(OFFICERS, "region", _RULES),
    "policies.simulation_csv": Rule(OFFICERS, "region", _RULES),
    "policies.first": Rule(("reviewer",), "region", _RULES_ME),
    "policies.start": Rule(("reviewer",), "region", _RULES_ME),
    "policies.save": Rule(("reviewer",), "region", _RULES_ME),
    "policies.step": Rule(("reviewer",), "region", _RULES_ME),
    "bureau.decide": Rule(("reviewer", "finance"), "region", N_("审核和拨付由本地的审核员和财务办理。")),
    "budgets.book": Rule(OFFICERS, "region", N_("预算给本级财政、审核员和审计员看。")),
    "budgets.one": Rule(OFFICERS, "region", N_("预算给本级财政、审核员和审计员看。")),
    "budgets.open_new": Rule(("finance",), "region", N_("预算由本级财政局下达。")),
    "budgets.step": Rule(("finance",), "region", N_("预算由本级财政局下达。")),
    "finance.public": Rule(EVERYONE, "all", OPEN),
    "finance.desk": Rule(("finance", "auditor"), "region", _MONEY),
    "finance.batch": Rule(("finance", "auditor"), "region", _MONEY),
    "finance.month": Rule(("finance", "auditor"), "region", _MONEY),
    "finance.month_csv": Rule(("finance", "auditor"), "region", _MONEY),
    "finance.open_batch": Rule(("finance",), "region", _MONEY),
    "finance.step": Rule(("finance",), "region", _MONEY),
    "finance.line": Rule(("finance",), "region", _MONEY),
    "finance.statement": Rule(("finance",), "region", _MONEY),
    "finance.bank_csv": Rule(("finance",), "region", _MONEY),
    "finance.recover": Rule(("finance",), "region", _MONEY),
    "finance.money_back": Rule(("finance",), "region", _MONEY),
}
_CASES: Final = {
    "cases.all_disputes": Rule(("reviewer",), "region", N_("争议由付券地的审核员裁定。")),
    "cases.dispute": Rule(OFFICERS, "region", N_("争议由付券地的审核员裁定。")),
    "cases.resolve": Rule(("reviewer",), "region", N_("争议由付券地的审核员裁定。")),
    "cases.vouchers": Rule(("reviewer", "auditor"), "region", N_("券的核查由审计员和审核员办理。")),
    "cases.voucher": Rule(("reviewer", "auditor"), "region", N_("券的核查由审计员和审核员办理。")),
    "cases.voucher_event": Rule(("reviewer", "auditor"), "region", N_("券的核查由审计员和审核员办理。")),
}
_NEEDS: Final = {name: Rule(roles, scope, why) for name, roles, scope, why in needaccess.LINES}
_PLANNER: Final = {
    "planner.gaps": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.gaps_csv": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.gaps_gpkg": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.base": Rule(EVERYONE, "all", OPEN),
    **dict.fromkeys(("demand.page", "demand.table_csv", "api.demand"), Rule(("planner", "auditor"), "all", N_("落空的需求给规划人员用。"))),
    "learning.page": Rule(("planner", "auditor"), "all", N_("搜索质量给规划人员和审计员看。")),
}
_API: Final = {
    "api.policies": Rule(EVERYONE, "all", OPEN),
    "api.policy": Rule(EVERYONE, "all", OPEN),
    "api.policy_versions": Rule(EVERYONE, "all", OPEN),
    "api.policy_version": Rule(EVERYONE, "all", OPEN),
    "api.policy_rule": Rule(EVERYONE, "all", OPEN),
    "api.start_policy_draft": Rule(("reviewer",), "region", _RULES_ME),
    "api.policy_draft": Rule(OFFICERS, "region", _RULES),
    "api.edit_policy_draft": Rule(("reviewer",), "region", _RULES_ME),
    "api.policy_draft_event": Rule(("reviewer",), "region", _RULES_ME),
    "api.simulate_policy_draft": Rule(OFFICERS, "region", _RULES),
    "api.openapi": Rule(EVERYONE, "all", OPEN),
    "api.audit_roots": Rule(EVERYONE, "all", OPEN),
    "api.docs": Rule(EVERYONE, "all", OPEN),
    "api.me": Rule(PERSONS, "own", OWN),
    "api.match": Rule(EVERYONE, "all", OPEN),
    "api.instruments": Rule(EVERYONE, "all", OPEN),
    "api.instrument": Rule(EVERYONE, "all", OPEN),
    "api.carriers": Rule(EVERYONE, "all", OPEN),
    "api.carrier": Rule(EVERYONE, "all", OPEN),
    "api.places": Rule(EVERYONE, "all", OPEN),
    "api.instruments_file": Rule(EVERYONE, "all", OPEN),
    "api.carriers_file": Rule(EVERYONE, "all", OPEN),
    "api.notice_list": Rule(EVERYONE, "all", OPEN),
    "api.notice": Rule(EVERYONE, "all", OPEN),
    "api.object_to": Rule(EVERYONE, "all", N_("公示期里人人可以提异议。")),
    "api.register": Rule(PERSONS, "own", N_("单位由它自己的人登记。")),
    "api.organisation": Rule(PERSONS, "own", OWN),
    "api.revise": Rule(PARTIES, "own", N_("单位由它自己的人登记。")),
    "api.organisation_event": Rule(PARTIES, "own", N_("单位由它自己的人登记。")),
    "api.add_certificate": Rule(("carrier",), "own", N_("资质由载体自己填报。")),
    "api.invite": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "api.revoke": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "api.member": Rule(PERSONS, "own", N_("成员由本单位的管理员管理。")),
    "api.joining_queue": Rule(("reviewer", "auditor"), "region", N_("登记、公示和资质由本地的审核员办理，审计员可看。")),
    "api.joining_event": Rule(("reviewer",), "region", N_("登记、公示和资质由本地的审核员办理，审计员可看。")),
    "api.orders": Rule(PARTIES, "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "api.book": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "api.order": Rule((*PARTIES, "reviewer"), "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "api.order_event": Rule((*PARTIES, "reviewer"), "party", N_("一笔预约由双方办理，争议由审核员裁定。")),
    "api.applications_list": Rule(("enterprise", *OFFICERS), "own", N_("申领只有申请单位和审核它的科技局能看。")),
    "api.application_new": Rule(("enterprise",), "own", N_("申领由企业和创客团队自己办。")),
    "api.application_one": Rule(("enterprise", *OFFICERS), "own", N_("申领只有申请单位和审核它的科技局能看。")),
    "api.application_event": Rule(("enterprise", "reviewer"), "own", N_("申领由申请单位和审核它的科技局办理。")),
    "api.budgets_list": Rule(OFFICERS, "region", N_("预算给本级财政、审核员和审计员看。")),
    "api.budget_new": Rule(("finance",), "region", N_("预算由本级财政局下达。")),
    "api.budget_one": Rule(OFFICERS, "region", N_("预算给本级财政、审核员和审计员看。")),
    "api.budget_event": Rule(("finance",), "region", N_("预算由本级财政局下达。")),
    "api.claims_list": Rule((*PARTIES, *OFFICERS), "own", N_("兑现只有收款单位和本地的审核员、财务能看。")),
    "api.claim_event": Rule((*PARTIES, "reviewer", "finance"), "region", N_("兑现由收款单位提交，由本地的审核员和财务办理。")),
    "api.batches_list": Rule(("finance", "auditor"), "region", _MONEY),
    "api.batch_one": Rule(("finance", "auditor"), "region", _MONEY),
    "api.statement_one": Rule(("finance", "auditor"), "region", _MONEY),
    "api.batch_open": Rule(("finance",), "region", _MONEY),
    "api.batch_event": Rule(("finance",), "region", _MONEY),
    "api.batch_line_event": Rule(("finance",), "region", _MONEY),
    "api.statement_take": Rule(("finance",), "region", _MONEY),
    "api.recovery_open": Rule(("finance",), "region", _MONEY),
    "api.recovery_back": Rule(("finance",), "region", _MONEY),
    "api.account_enter": Rule(PARTIES, "own", _PAYEE),
    "api.account_confirm": Rule(PARTIES, "own", _PAYEE),
    "api.vouchers": Rule(("enterprise",), "own", N_("券只有持券的企业和团队能看。")),
    "api.voucher": Rule(("enterprise", *OFFICERS), "party", N_("券只有持券的企业和本地办事人员能看。")),
    "api.voucher_event": Rule(("enterprise", "reviewer", "auditor"), "party", N_("券的核查由审计员和审核员办理。")),
    "api.quote": Rule(("carrier",), "own", N_("报价由载体自己办。")),
}

ACCESS: Final[dict[str, Rule]] = {
    **_GROUND,
    **_PUBLIC,
    **_OGC,
    **_ENTERPRISE,
    **_SAVED,
    **_CARRIER,
    **_JOINING,
    **_FILES,
    **_BUREAU,
    **_CASES,
    **_NEEDS,
    **_PLANNER,
    **_API,
}
"""Every endpoint by name. One section an audience; add a line there."""
