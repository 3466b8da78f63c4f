"""What `base.html` shows around every page: the way around by role, who is logged in, the other language, the sources of the map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flask import Flask, current_app, g, request, url_for

from app.access import ACCESS, ROLE_NAMES
from app.i18n import gettext, language, listed, switch_url, tag
from core.actor import Role
from core.errors import N_

NAV: Final = (
    ("public.search", N_("找资源")),
    ("enterprise.orders", N_("我的预约")),
    ("enterprise.vouchers", N_("我的券")),
    ("enterprise.apply", N_("申领")),
    ("posted.list", N_("需求")),
    ("carrier.desk", N_("接单台")),
    ("payee.account", N_("收款账户")),
    ("bureau.desk", N_("审核台")),
    ("finance.desk", N_("财务台")),
    ("budgets.book", N_("预算")),
    ("policies.desk", N_("本地政策")),
    ("planner.gaps", N_("资源缺口")),
    ("saved.list", N_("保存的搜索")),
    ("demand.page", N_("落空的需求")),
    ("campaigns.book", N_("集中匹配")),
    ("lexicon.book", N_("词库")),
    ("admission.desk", N_("准入")),
    ("joining.notice_list", N_("公示")),
    ("public.about", N_("公开")),
)
"""Endpoint and label, in the order of the header; a person sees those that the access table opens to the role."""


def init_app(app: Flask) -> None:
    """Give all templates of `app` the frame."""
    app.context_processor(frame)
    app.jinja_env.globals["role_list"] = role_list


def role_list(roles: Iterable[Role]) -> str:
    """Return roles by name in one line: "审核员、财务"."""
    return listed(gettext(ROLE_NAMES[role]) for role in roles)


def frame() -> dict[str, Any]:
    """Return the context of `base.html`; asks the database nothing, so that it also stands around an error page."""
    person, other = g.get("person"), "zh" if language() == "en" else "en"
    return {
        "lang": tag(),
        "nav": _nav(),
        "home_url": _url("public.search") or "/",
        "sample_world": current_app.config["SETTINGS"].sample != "none",
        "switch_url": switch_url(),
        "switch_label": "English" if other == "en" else "中文",
        "switch_lang": "en" if other == "en" else "zh-Hans",
        "who": _who(person),
        "login_url": url_for("auth.log_in_form"),
        "logout_url": url_for("auth.log_out"),
        "map_approval": current_app.config["SETTINGS"].map_approval_number,
        "definitions_url": _url("public.about"),
    }


def _who(person: Any) -> dict[str, str] | None:
    """Return name and page of who is logged in: the organisation acted for, else the account."""
    if not person:
        return None
    name = person.seat.organisation if person.seat else person.name
    return {"name": name, "url": url_for("organisation.mine" if person.seat else "auth.me")}


def _nav() -> list[tuple[str, str, bool]]:
    role = g.actor.role if "actor" in g else "public"
    found = [(label, _url(endpoint), endpoint == request.endpoint) for endpoint, label in NAV if role in ACCESS[endpoint].roles]
    return [(gettext(label), url, here) for label, url, here in found if url]


def _url(endpoint: str) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None
