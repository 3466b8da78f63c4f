"""Who may call what: one table of all endpoints. What does not stand in it is closed.

The table answers for functions (which roles); for rows (whose) views call `allow`. A new page adds its line to the section of its
audience; a route without a line stops the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, redirect, request, url_for

from app import accounts, security
from app.errors import LogInNeeded, is_machine
from core.actor import PUBLIC, Actor, Role
from core.errors import N_, Forbidden, NotFound
from geodata.regions import is_within

Scope = Literal["all", "own", "region", "party"]

PERSONS: Final[tuple[Role, ...]] = ("enterprise", "carrier", "reviewer", "finance", "auditor", "planner")
EVERYONE: Final[tuple[Role, ...]] = ("public", *PERSONS)
OFFICERS: Final[tuple[Role, ...]] = ("reviewer", "finance", "auditor")
PARTIES: Final[tuple[Role, ...]] = ("enterprise", "carrier")

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


_OPEN: Final = N_("人人可看。")
_OWN: Final = N_("只看自己单位的。")

_ANYBODY: Final = ("static", "tiles.tile")
"""Endpoints whose answer is alike for everybody, so nobody is looked up."""

_GROUND: Final = {
    "static": Rule(EVERYONE, "all", _OPEN),
    "health.healthz": Rule(EVERYONE, "all", _OPEN),
    "health.readyz": Rule(EVERYONE, "all", _OPEN),
    "security.csp_report": Rule(EVERYONE, "all", N_("浏览器报告被拦下的内容。")),
    "problems.problem": Rule(EVERYONE, "all", _OPEN),
    "auth.log_in_form": Rule(EVERYONE, "all", _OPEN),
    "auth.log_in": Rule(EVERYONE, "all", _OPEN),
    "auth.log_out": Rule(EVERYONE, "own", _OPEN),
    "auth.me": Rule(PERSONS, "own", N_("登录后看自己的账号。")),
    "auth.take_seat": Rule(PERSONS, "own", N_("登录后换自己的岗位。")),
}
_PUBLIC: Final = {
    "public.search": Rule(EVERYONE, "all", _OPEN),
    "public.carrier": Rule(EVERYONE, "all", _OPEN),
    "public.instrument": Rule(EVERYONE, "all", _OPEN),
    "public.about": Rule(EVERYONE, "all", _OPEN),
    "map.base": Rule(EVERYONE, "all", _OPEN),
    "tiles.tile": Rule(EVERYONE, "all", _OPEN),
    "tiles.about": Rule(EVERYONE, "all", _OPEN),
    "map.waters": Rule(EVERYONE, "all", _OPEN),
    "map.carriers": Rule(EVERYONE, "all", _OPEN),
    "map.view": Rule(EVERYONE, "all", _OPEN),
    "map.view_csv": Rule(EVERYONE, "all", _OPEN),
    "map.view_geojson": Rule(EVERYONE, "all", _OPEN),
}
_OGC: Final = {
    "ogc.landing": Rule(EVERYONE, "all", _OPEN),
    "ogc.conformance": Rule(EVERYONE, "all", _OPEN),
    "ogc.api": Rule(EVERYONE, "all", _OPEN),
    "ogc.collections": Rule(EVERYONE, "all", _OPEN),
    "ogc.collection": Rule(EVERYONE, "all", _OPEN),
    "ogc.schema": Rule(EVERYONE, "all", _OPEN),
    "ogc.features": Rule(EVERYONE, "all", _OPEN),
    "ogc.feature": Rule(EVERYONE, "all", _OPEN),
}
_ENTERPRISE: Final = {
    "enterprise.checkout": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "enterprise.book": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "enterprise.vouchers": Rule(("enterprise",), "own", N_("券只有持券的企业和团队能看。")),
    "enterprise.apply": Rule(("enterprise",), "own", N_("申领由企业和创客团队自己办。")),
    "enterprise.orders": Rule(("enterprise",), "own", N_("预约只有下单的企业能看。")),
    "enterprise.order": Rule(PARTIES, "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "enterprise.order_event": Rule(PARTIES, "party", N_("一笔预约由下单的企业和接单的载体办理。")),
}
_CARRIER: Final = {
    "carrier.desk": Rule(("carrier",), "own", N_("接单台给载体的人用。")),
    "carrier.listing_new": Rule(("carrier",), "own", N_("仪器由载体自己上架。")),
    "uploads.overview": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.upload": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.one": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.step": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
    "uploads.marked": Rule(("carrier",), "own", N_("仪器由载体自己导入。")),
}
_BUREAU: Final = {
    "bureau.desk": Rule(OFFICERS, "region", N_("审核台给科技局和财政的审核员、财务、审计员用。")),
    "bureau.decide": Rule(("reviewer", "finance"), "region", N_("审核和拨付由本地的审核员和财务办理。")),
}
_PLANNER: Final = {
    "planner.gaps": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.gaps_csv": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.gaps_gpkg": Rule(("planner", "auditor"), "all", N_("资源缺口给规划人员用。")),
    "planner.base": Rule(EVERYONE, "all", _OPEN),
}
_API: Final = {
    "api.openapi": Rule(EVERYONE, "all", _OPEN),
    "api.docs": Rule(EVERYONE, "all", _OPEN),
    "api.me": Rule(PERSONS, "own", _OWN),
    "api.match": Rule(EVERYONE, "all", _OPEN),
    "api.instruments": Rule(EVERYONE, "all", _OPEN),
    "api.instrument": Rule(EVERYONE, "all", _OPEN),
    "api.carriers": Rule(EVERYONE, "all", _OPEN),
    "api.carrier": Rule(EVERYONE, "all", _OPEN),
    "api.places": Rule(EVERYONE, "all", _OPEN),
    "api.instruments_file": Rule(EVERYONE, "all", _OPEN),
    "api.carriers_file": Rule(EVERYONE, "all", _OPEN),
    "api.orders": Rule(PARTIES, "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "api.book": Rule(("enterprise",), "own", N_("预约和用券由企业和创客团队自己办。")),
    "api.order": Rule(PARTIES, "party", N_("一笔预约只有下单的企业和接单的载体能看。")),
    "api.order_event": Rule(PARTIES, "party", N_("一笔预约由下单的企业和接单的载体办理。")),
    "api.vouchers": Rule(("enterprise",), "own", N_("券只有持券的企业和团队能看。")),
}

ACCESS: Final[dict[str, Rule]] = {**_GROUND, **_PUBLIC, **_OGC, **_ENTERPRISE, **_CARRIER, **_BUREAU, **_PLANNER, **_API}
"""Every endpoint by name. One section an audience; add a line there."""
