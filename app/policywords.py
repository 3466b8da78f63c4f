"""A policy in words: what each clause is called and what its value says, in the language of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.i18n import gettext, language, listed, sign
from app.labels import DOCUMENTS
from app.names import named
from core.errors import N_
from core.money import yuan
from geodata.instruments import Service
from vouchers.diff import Change, Clause
from vouchers.versions import region_names

TITLES: Final = {
    "title": N_("名称"),
    "level": N_("层级"),
    "region": N_("适用地区"),
    "funder": N_("出资地区"),
    "valid_from": N_("生效日"),
    "valid_to": N_("最后一天"),
    "issuance": N_("怎样发券"),
    "settlement_mode": N_("怎样付钱"),
    "payee": N_("兑现给谁"),
    "prefix": N_("券号字头"),
    "eligibility.applicant_types": N_("谁可以申领"),
    "eligibility.region_scope": N_("登记地"),
    "eligibility.carrier_level": N_("载体级别"),
    "eligibility.members": N_("协定成员"),
    "services.allow": N_("可用的服务"),
    "services.deny": N_("不能用的服务"),
    "services.deny_if": N_("不能用券的情形"),
    "tiers": N_("付多少"),
    "ratio_by_region": N_("分地区的比例"),
    "stack": N_("各地叠加"),
    "cofunding": N_("共同出资"),
    "funds": N_("资金来源"),
    "caps.per_application": N_("一次最多"),
    "caps.holding": N_("手里没用完的最多"),
    "caps.per_year": N_("一年最多"),
    "caps.group_per_year": N_("同一控制人一年最多"),
    "use_window.months": N_("用券期限"),
    "use_window.redeem_months": N_("兑现期限"),
    "use_window.on_expiry": N_("过期的钱"),
    "redeem.rounds_per_year": N_("一年兑现几次"),
    "redeem.evidence": N_("兑现要的材料"),
    "recognition.carriers_from": N_("认哪里的载体"),
    "recognition.rule": N_("互认的办法"),
    "recognition.no_cross_region_cash": N_("钱跨不跨地区"),
    "review": N_("谁审核"),
    "notice_days": N_("公示天数"),
    "spot_check.min_random_share": N_("随机抽查"),
    "spot_check.risk_frames": N_("重点抽查"),
    "spot_check.joint_with": N_("联合抽查"),
    "carrier_reward": N_("载体奖补"),
    "src": N_("出处"),
}
"""Name of each clause; the other clauses are called by their path."""

CHOICES: Final[dict[str, dict[str, str]]] = {
    "level": {"province": N_("省"), "city": N_("市"), "county": N_("县（市、区）"), "zone": N_("开发区"), "compact": N_("跨省协定")},
    "issuance": {"quota_first": N_("先发额度，后找服务"), "contract_first": N_("先签合同，凭合同申领"), "none": N_("不发券")},
    "settlement_mode": {
        "offset": N_("抵扣：付款时少付，载体来兑现"),
        "post_subsidy": N_("后补助：先付全价，再退给企业"),
        "annual_reward": N_("年后奖补"),
        "home_policy": N_("按登记地的政策"),
    },
    "payee": {
        "enterprise": N_("企业"),
        "carrier": N_("载体"),
        "carrier_or_lower_finance": N_("载体或下级财政"),
        "home_policy": N_("按登记地的政策"),
    },
    "eligibility.applicant_types": {"enterprise": N_("企业"), "team": N_("创客团队"), "carrier": N_("载体")},
    "eligibility.region_scope": {"registered_here": N_("在本地登记")},
    "services.deny_if": {
        "related_party": N_("双方有关联关系"),
        "statutory_test": N_("法定强制检测"),
        "batch_production_test": N_("批量生产检验"),
        "funded_by_city_project_this_or_last_year": N_("今年或去年已有市级项目资助"),
    },
    "use_window.on_expiry": {"return_to_pool": N_("收回资金池"), "none": N_("没有写")},
    "redeem.evidence": DOCUMENTS,
    "recognition.carriers_from": {
        "city": N_("本市"),
        "province": N_("本省"),
        "delta": N_("沪苏浙皖"),
        "any_province": N_("全国各省"),
        "any": N_("不限"),
    },
    "recognition.no_cross_region_cash": {"True": N_("不跨：由企业登记地的财政付"), "False": N_("跨")},
    "review": {"county": N_("县级"), "city": N_("市级")},
    "spot_check.risk_frames": {
        "subsidy_amount": N_("补助多的企业"),
        "service_count": N_("服务项多的企业"),
        "frequent_carrier": N_("服务次数多的载体"),
    },
    "spot_check.joint_with": {"finance_bureau": N_("和财政局一起")},
}
"""Words of each code that a clause may have."""

NAMES: Final = ("title",)
"""Clauses that name the policy: no value that could be an example."""

DISTRICT: Final = "$district"


@dataclass(frozen=True)
class Words:
    """Names for this reader: services and regions by code."""

    services: Mapping[str, str]
    regions: Mapping[str, str]

    def region(self, code: str) -> str:
        """Name a region, or the holder's own county."""
        if code == DISTRICT:
            return gettext("企业登记的县（市、区）")
        return gettext("沪苏浙皖") if code == "delta" else self.regions.get(code, code)

    def service(self, code: str) -> str:
        """Name a service or a group of services."""
        return gettext("全部服务") if code == "*" else self.services.get(code, code)

    def say(self, path: str, value: Any) -> str:
        """Say the plain value of a clause in a sentence or less."""
        if value in (None, "", [], {}):
            return gettext("不设") if path.startswith("caps.") else gettext("没有写")
        known = CHOICES.get(path)
        if known:
            codes: list[str] = value if isinstance(value, list) else [str(value)]
            return listed(gettext(known.get(code, code)) for code in codes)
        say = _SAID.get(path)
        return say(self, value) if say else _plain(value)


@dataclass(frozen=True)
class Row:
    """One clause as a page shows it: what is said now, what was said before ("" where nothing changed), the source of each."""

    path: str
    title: str
    text: str
    source: str
    assumed: bool
    before: str = ""
    before_assumed: bool = False
    source_only: bool = False


def words(session: Session) -> Words:
    """Load the names for this reader; two queries."""
    english = language() == "en"
    regions = {code: (en or zh) if english else zh for code, (zh, en) in region_names(session).items()}
    return Words({one.code: named(one.name_zh, one.name_en) for one in session.scalars(select(Service))}, regions)


def title(path: str) -> str:
    """Name a clause; a part of a clause by the clause."""
    parts = path.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    found = next((TITLES[name] for name in names if name in TITLES), "")
    return gettext(found) if found else path


def row(said: Words, clause: Clause) -> Row:
    """Show one clause."""
    named_only = clause.path in NAMES
    source = "" if named_only and clause.assumed else clause.source
    return Row(clause.path, title(clause.path), said.say(clause.path, clause.value), source, clause.assumed and not named_only)


def changed(said: Words, change: Change) -> Row:
    """Show one clause that two versions say differently."""
    now, before = row(said, change.after), change.before
    was = said.say(change.path, before.value) if before else gettext("没有")
    facts = {
        **vars(now),
        "before": was,
        "before_assumed": bool(before and before.assumed) and change.path not in NAMES,
        "source_only": change.source_only,
    }
    return Row(**facts)


def percent(ratio: Any) -> str:
    """Write a ratio as per cent: "0.5" → "50%"."""
    return f"{(Decimal(str(ratio)) * 100).normalize():f}%"


def _tiers(_said: Words, tiers: list[dict[str, Any]]) -> str:
    parts = []
    for n, tier in enumerate(tiers):
        ratio = percent(tier["ratio"])
        if tier.get("upto") is not None:
            parts.append(gettext("¥%(upto)s 以内付 %(ratio)s", upto=yuan(tier["upto"], 0), ratio=ratio))
        else:
            parts.append(gettext("其余付 %(ratio)s", ratio=ratio) if n else gettext("付价格的 %(ratio)s", ratio=ratio))
    return sign("，").join(parts)


def _ratios(said: Words, ratios: dict[str, Any]) -> str:
    return sign("；").join(f"{said.region(code)} {percent(ratio)}" for code, ratio in ratios.items())


def _stack(said: Words, layers: list[dict[str, Any]]) -> str:
    return sign("；").join(_layer(said, one) for one in layers)


def _layer(said: Words, one: dict[str, Any]) -> str:
    text = gettext("%(region)s再付 %(ratio)s", region=said.region(one["region"]), ratio=percent(one["adds_ratio"]))
    more = [gettext("载体在同一个市时")] if one.get("if") or one.get("condition") else []
    if one.get("group_per_year_total"):
        more.append(gettext("各层合计，同一控制人一年最多 ¥%(cap)s", cap=yuan(one["group_per_year_total"], 0)))
    return text + sign("，") + sign("，").join(more) if more else text


def _cofunding(said: Words, parts: list[dict[str, Any]]) -> str:
    return sign("；").join(f"{said.region(one['funder'])} {percent(one['share'])}" for one in parts)


def _funds(_said: Words, funds: list[dict[str, Any]]) -> str:
    return sign("；").join(_fund(one) for one in funds)


def _fund(one: dict[str, Any]) -> str:
    cap = one.get("cap_per_year")
    bound = gettext("一年最多 ¥%(cap)s", cap=yuan(cap, 0)) if cap else gettext("不设年度上限")
    return f"{one['title']}{sign('：')}{one['beneficiaries']}{sign('，')}{bound}"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return listed(str(one) for one in value)
    if isinstance(value, dict):
        return sign("；").join(f"{name} {inner}" for name, inner in value.items())
    return str(value)


_SAID: Final[dict[str, Callable[[Words, Any], str]]] = {
    "tiers": _tiers,
    "ratio_by_region": _ratios,
    "stack": _stack,
    "cofunding": _cofunding,
    "funds": _funds,
    "region": lambda said, value: said.region(value),
    "funder": lambda said, value: said.region(value),
    "services.allow": lambda said, value: listed(said.service(code) for code in value),
    "services.deny": lambda said, value: listed(said.service(code) for code in value),
    "use_window.months": lambda _said, value: gettext("发券后 %(n)s 个月", n=value),
    "use_window.redeem_months": lambda _said, value: gettext("用券期限后 %(n)s 个月", n=value),
    "redeem.rounds_per_year": lambda _said, value: gettext("%(n)s 次", n=value),
    "notice_days": lambda _said, value: gettext("%(n)s 天", n=value),
    "spot_check.min_random_share": lambda _said, value: gettext("至少 %(share)s", share=percent(value)),
    **{f"caps.{name}": lambda _said, value: f"¥{yuan(value, 0)}" for name in ("per_application", "holding", "per_year", "group_per_year")},
}
