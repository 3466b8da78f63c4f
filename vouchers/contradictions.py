"""What must agree within one policy. Each check names the clause by dotted path, says why two clauses cannot both hold, and a way out.

One function a subject; CHECKS at the bottom is their order. Pure: a policy in, faults out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from core.errors import N_
from core.money import yuan
from geodata.regions import is_within
from vouchers import catalogue

if TYPE_CHECKING:
    from vouchers.terms import Policy


@dataclass(frozen=True)
class Fault:
    """One clause that cannot stand: `path` is its dotted path, `text` a message id with `params`: the reason and a way out."""

    path: str
    text: str
    params: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write it in the language of the source."""
        return f"{self.path}: {self.text % self.params}"


Faults = Iterator[Fault]
Check = Callable[["Policy"], Faults]


def dates(policy: Policy) -> Faults:
    """Take a last day that is not before the first."""
    if policy.valid_to is not None and policy.valid_to < policy.valid_from:
        yield Fault("valid_to", N_("失效日早于生效日 %(first)s。请改其中一个。"), {"first": policy.valid_from.isoformat()})


def places(policy: Policy) -> Faults:
    """Let level, region and funder fit: a county's rule is paid by itself or by the city or province above it."""
    compact = policy.level == "compact"
    if compact != (policy.region == "delta"):
        yield Fault("region", N_("跨省协定的区域写 delta，其他政策写六位行政区代码。请改层级或区域。"))
        return
    if compact != (policy.funder == "$applicant_home_policy"):
        yield Fault("funder", N_("只有跨省协定由企业登记地的政策出钱。请写出资地区的六位代码。"))
        return
    if compact:
        return
    digits = "province" if policy.region.endswith("0000") else "city" if policy.region.endswith("00") else "county"
    if policy.level not in {"zone", digits}:
        yield Fault("level", N_("区域 %(region)s 不是这一层级的代码。请改层级或区域。"), {"region": policy.region})
    if not is_within(policy.region, policy.funder):
        text = N_("出资地区 %(funder)s 管不到 %(region)s：县的政策由本县、所在的市或省出钱。请改出资地区。")
        yield Fault("funder", text, {"funder": policy.funder, "region": policy.region})


def ways_of_paying(policy: Policy) -> Faults:
    """Let issuance, way of payment and payee tell one story."""
    mode, payee = policy.settlement_mode, policy.payee
    fitting = {"offset": "carrier", "post_subsidy": "enterprise", "annual_reward": "carrier_or_lower_finance", "home_policy": "home_policy"}[mode]
    if payee != fitting:
        reasons = {
            "offset": N_("抵扣时企业已少付了钱，拿券兑现的是载体。请把收款人改成 carrier，或改用后补助。"),
            "post_subsidy": N_("后补助时企业已付全价，钱退给企业。请把收款人改成 enterprise，或改用抵扣。"),
            "annual_reward": N_("年度奖补给载体或下级财政。请把收款人改成 carrier_or_lower_finance。"),
            "home_policy": N_("协定不自己付钱，收款人由企业登记地的政策定。请把收款人改成 home_policy。"),
        }
        yield Fault("payee", reasons[mode])
    if policy.issues and not policy.pays_orders:
        yield Fault("issuance", N_("发券的政策要说券怎样付钱：抵扣或后补助。请改支付方式，或改成不发券。"))
    if not policy.issues and mode == "offset":
        yield Fault("issuance", N_("不发券就没有券可以抵扣。请改成先发额度或先签合同，或改用后补助。"))
    if (mode == "home_policy") != (policy.level == "compact"):
        yield Fault("settlement_mode", N_("按企业登记地的政策结算，只用在跨省协定里；协定也只能这样结算。请改支付方式或层级。"))
    if (mode == "annual_reward") != (policy.carrier_reward is not None):
        yield Fault("carrier_reward", N_("年度奖补要写奖补的比例、基数和等次系数，别的政策不写。请补上，或改支付方式。"))


def applicants(policy: Policy) -> Faults:
    """Name who may apply where there is something to apply for."""
    asked, kinds = policy.eligibility, policy.eligibility.applicant_types
    if policy.pays_orders and (not kinds or "carrier" in kinds):
        yield Fault("eligibility.applicant_types", N_("给订单付钱的政策要写哪类企业或团队可以申领，载体不能申领。请改申领对象。"))
    if policy.pays_orders and asked.region_scope is None:
        yield Fault("eligibility.region_scope", N_("没有写申领人要在哪里登记。请写 registered_here（本地登记）。"))
    if policy.level == "compact" and len(set(asked.members)) < 2:
        yield Fault("eligibility.members", N_("协定至少要有两个成员。请写成员省份代码的前两位。"))


def services(policy: Policy) -> Faults:
    """Allow something, name only what there is, and never both allow and deny it."""
    allow, deny = policy.services.allow, policy.services.deny
    for path, codes in (("services.allow", allow), ("services.deny", deny)):
        for code in codes:
            if code != catalogue.EVERYTHING and not catalogue.is_known(code):
                yield Fault(path, N_("没有服务种类“%(code)s”，写错的种类什么也不管。请从服务目录里选。"), {"code": code})
        for code in _twice(codes):
            yield Fault(path, N_("“%(code)s”写了两遍。请删掉一个。"), {"code": code})
    if not allow:
        yield Fault("services.allow", N_("一种服务也没有允许，这张券不能用。请至少写一种，或写 * 表示全部。"))
    if catalogue.EVERYTHING in allow and len(allow) > 1:
        yield Fault("services.allow", N_("* 已经是全部，不能再列几种。请只留一样。"))
    for code in sorted(set(allow) & set(deny)):
        yield Fault("services.deny", N_("“%(code)s”既允许又禁止。请从一边删掉。"), {"code": code})
    usable = [code for code in catalogue.singles() if catalogue.covers(allow, code) and not catalogue.covers(deny, code)]
    if allow and not usable and not set(allow) & set(deny):
        yield Fault("services.deny", N_("允许的服务全被禁止了，这张券不能用。请改允许或禁止的种类。"))
    for name in _twice(policy.services.deny_if):
        yield Fault("services.deny_if", N_("“%(code)s”写了两遍。请删掉一个。"), {"code": name})


def caps(policy: Policy) -> Faults:
    """Let the bounds rise: one grant, what is held, what is used in a year, what a group uses in a year."""
    bounds = [(name, getattr(policy.caps, name)) for name in ("per_application", "holding", "per_year", "group_per_year")]
    there = [(name, bound) for name, bound in bounds if bound is not None]
    for (small, less), (large, more) in pairwise(there):
        if less > more:
            params = {"small": small, "less": yuan(less), "large": large, "more": yuan(more)}
            text = N_("%(small)s 的 ¥%(less)s 大于 %(large)s 的 ¥%(more)s，前一个上限永远用不到。请调小前一个或调大后一个。")
            yield Fault(f"caps.{small}", text, params)


def tiers(policy: Policy) -> Faults:
    """Let the steps rise to an open end and pay something; a policy that pays no orders has none."""
    found = policy.tiers
    if not policy.pays_orders:
        if found or policy.ratio_by_region or policy.stack:
            yield Fault("tiers", N_("这份政策不给订单付钱，比例没有用处。请删掉比例，或改支付方式。"))
        return
    if not found:
        yield Fault("tiers", N_("没有写按多大比例付。请至少写一档。"))
        return
    bounds = [tier.upto for tier in found]
    if bounds[-1] is not None or None in bounds[:-1]:
        yield Fault("tiers", N_("只有最后一档不写上限，而且一定不写：否则大额的订单没有比例可用。请改各档的上限。"))
    elif any((low or 0) >= (high or 0) for low, high in pairwise(bounds[:-1])):
        yield Fault("tiers", N_("各档的上限要一档比一档高。请按从小到大的次序改。"))
    if not any(tier.ratio for tier in found) and not any(policy.ratio_by_region.values()):
        yield Fault("tiers", N_("各档比例都是 0，这张券什么也不付。请至少给一档写比例。"))


def regional_ratios(policy: Policy) -> Faults:
    """Let a region's own ratio replace exactly one ratio, and only inside the policy's region."""
    if policy.ratio_by_region and len(policy.tiers) > 1:
        yield Fault("ratio_by_region", N_("分了档又按地区给比例，不知道替换哪一档。请只留一档，或删掉地区比例。"))
    for region in policy.ratio_by_region:
        if not is_within(region, policy.region):
            yield Fault(f"ratio_by_region.{region}", N_("%(region)s 不在这份政策的区域里。请改代码或删掉这一行。"), {"region": region})


def stacks(policy: Policy) -> Faults:
    """Let the layers of other funders lie inside the region and never pay more than the price."""
    for region in _twice(one.region for one in policy.stack):
        yield Fault("stack", N_("%(region)s 写了两层叠加，不知道用哪一层。请合成一层。"), {"region": region})
    for n, one in enumerate(policy.stack):
        if not is_within(one.region, policy.region) or one.region == policy.region:
            yield Fault(f"stack.{n}.region", N_("%(region)s 不在这份政策的区域里，不能叠加。请写区域内的市或县。"), {"region": one.region})
        highest, adds = _highest_ratio(policy, one.region), sum(each.adds_ratio for each in policy.stack if is_within(one.region, each.region))
        if not one.adds_ratio:
            yield Fault(f"stack.{n}.adds_ratio", N_("叠加的比例是 0，这一层什么也不付。请写比例或删掉这一层。"))
        if highest + adds > 1:
            params = {"base": _percent(highest), "adds": _percent(Decimal(adds))}
            text = N_("基础比例 %(base)s 加上叠加的 %(adds)s 超过 100%%，会付得比价格还多。请调小其中一个。")
            yield Fault(f"stack.{n}.adds_ratio", text, params)
        if one.group_per_year_total and one.group_per_year_total < (policy.caps.per_year or 0):
            params = {"total": yuan(one.group_per_year_total), "cap": yuan(policy.caps.per_year or 0)}
            text = N_("各层合计的上限 ¥%(total)s 小于基础一层的年度上限 ¥%(cap)s。请调大合计的上限。")
            yield Fault(f"stack.{n}.group_per_year_total", text, params)


def cofunders(policy: Policy) -> Faults:
    """Let the shares of all who pay make one, the policy's own funder among them."""
    found = policy.cofunding
    if not found:
        return
    total = sum((one.share for one in found), Decimal(0))
    if total != 1:
        yield Fault("cofunding", N_("各方出资比例合计 %(total)s，要正好 100%%。请改比例。"), {"total": _percent(total)})
    for name in _twice(one.funder for one in found):
        yield Fault("cofunding", N_("出资方 %(funder)s 写了两遍。请合成一行。"), {"funder": name})
    if policy.funder not in {one.funder for one in found}:
        yield Fault("cofunding", N_("政策自己的出资地区 %(funder)s 不在共同出资方里。请加上它的一份。"), {"funder": policy.funder})
    for n, one in enumerate(found):
        if not one.share:
            yield Fault(f"cofunding.{n}.share", N_("出资比例是 0，这一方什么也不付。请写比例或删掉这一方。"))
        if one.funder == "$district" and not policy.region.endswith("00"):
            yield Fault(f"cofunding.{n}.funder", N_("县的政策没有下一级区县财政。请写出资地区的代码。"))
        if one.funder != "$district" and not (is_within(one.funder, policy.region) or is_within(policy.region, one.funder)):
            text = N_("%(funder)s 与这份政策的区域没有上下级关系，不能共同出资。请改出资方。")
            yield Fault(f"cofunding.{n}.funder", text, {"funder": one.funder})


def funds(policy: Policy) -> Faults:
    """Let each fund have a code of its own and a bound that can be reached."""
    for code in _twice(fund.code for fund in policy.funds):
        yield Fault("funds", N_("资金来源“%(code)s”写了两遍。请改一个代码。"), {"code": code})
    for n, fund in enumerate(policy.funds):
        if fund.cap_per_year and policy.caps.per_year and fund.cap_per_year > policy.caps.per_year:
            params = {"fund": yuan(fund.cap_per_year), "cap": yuan(policy.caps.per_year)}
            text = N_("这项资金的年度上限 ¥%(fund)s 大于政策的年度上限 ¥%(cap)s，永远用不到。请调小，或去掉政策的年度上限。")
            yield Fault(f"funds.{n}.cap_per_year", text, params)
    if policy.funds and policy.cofunding:
        yield Fault("funds", N_("分了几项资金又由几方共同出资，不知道哪一项由谁付。请只留一样。"))


def windows(policy: Policy) -> Faults:
    """Let a voucher be usable, and its unused money have a place to go to."""
    window, redeem = policy.use_window, policy.redeem
    if policy.issues:
        if not window.months:
            yield Fault("use_window.months", N_("用券期限是 0 个月，券一发就过期。请写月数。"))
        if not window.redeem_months:
            yield Fault("use_window.redeem_months", N_("兑现期限是 0 个月，最后一天用的券来不及兑现。请写月数。"))
        if window.on_expiry != "return_to_pool":
            yield Fault("use_window.on_expiry", N_("过期的券没有说钱去哪里。请写 return_to_pool（退回资金池）。"))
        if not policy.prefix:
            yield Fault("prefix", N_("发的券没有编号的字头。请写一到四个大写字母。"))
    if policy.pays_orders and not redeem.rounds_per_year:
        yield Fault("redeem.rounds_per_year", N_("一年兑现 0 次，用了的券永远拿不到钱。请写次数。"))


def evidence(policy: Policy) -> Faults:
    """Ask for the papers that the way of payment rests on."""
    kinds = policy.redeem.evidence
    for kind in _twice(kinds):
        yield Fault("redeem.evidence", N_("“%(code)s”写了两遍。请删掉一个。"), {"code": kind})
    if not policy.pays_orders:
        return
    for kind in ("contract", "invoice"):
        if kind not in kinds:
            yield Fault("redeem.evidence", N_("没有要“%(kind)s”：没有它，谁也不能核对价格。请加上。"), {"kind": kind})
    if policy.settlement_mode == "post_subsidy" and "payment_proof" not in kinds:
        yield Fault("redeem.evidence", N_("后补助退的是企业付过的钱，要有付款凭证 payment_proof。请加上。"))


def reviews(policy: Policy) -> Faults:
    """Let the levels of review be one after the other, and each be there."""
    if policy.review not in (("county",), ("county", "city")):
        yield Fault("review", N_("审核先县后市：写 county，或 county 和 city。请改审核的层级。"))


def carriers(policy: Policy) -> Faults:
    """Say from where carriers are taken, where orders are paid."""
    if policy.pays_orders and policy.recognition.carriers_from is None:
        yield Fault("recognition.carriers_from", N_("没有写认哪里的载体。请写 city、province、delta、any_province 或 any。"))
    reachable = policy.region[:2] in ("31", "32", "33", "34")
    if policy.recognition.carriers_from == "delta" and policy.region != "delta" and not reachable:
        yield Fault("recognition.carriers_from", N_("这个地区不在长三角，认长三角的载体就不认本地的。请改成 province 或 any。"))
    if not policy.recognition.no_cross_region_cash:
        yield Fault("recognition.no_cross_region_cash", N_("钱不跨地区：由企业登记地的财政付。请写 true。"))


def rewards(policy: Policy) -> Faults:
    """Let a better grade never get less, and every grade have its coefficient."""
    if policy.carrier_reward is None:
        return
    order: tuple[Any, ...] = ("excellent", "good", "qualified", "poor")
    found = policy.carrier_reward.grade_coefficient
    missing = [grade for grade in order if grade not in found]
    for grade in missing:
        yield Fault("carrier_reward.grade_coefficient", N_("没有等次“%(grade)s”的系数。请补上四个等次。"), {"grade": grade})
    values = [found[grade] for grade in order if grade in found]
    if values != sorted(values, reverse=True):
        yield Fault("carrier_reward.grade_coefficient", N_("较好的等次系数反而小。请按优秀、良好、合格、较差从大到小写。"))


def sources(policy: Policy) -> Faults:
    """Let every source name a value that is there: a misspelt one leaves its value without a source."""
    body = policy.model_dump(mode="json", by_alias=True)
    for path in policy.src:
        parts = path.split(".")
        inner = [body, *(value for value in body.values() if isinstance(value, dict) and value is not body["src"])]
        if path != "*" and not any(_is_there(one, parts) for one in inner):
            yield Fault(f"src.{path}", N_("来源写给了没有的字段。请改成这份政策里的字段，例如 caps.per_year。"))


def contradictions(policy: Policy) -> tuple[Fault, ...]:
    """Return every clause of a policy that cannot stand beside another, in the order of CHECKS."""
    return tuple(fault for check in CHECKS for fault in check(policy))


def _highest_ratio(policy: Policy, region: str) -> Decimal:
    """Return the highest ratio that the policy's own layer may pay a holder in `region` or a part of it."""
    own = [ratio for key, ratio in policy.ratio_by_region.items() if is_within(region, key) or is_within(key, region)]
    return max([*own, *(tier.ratio for tier in policy.tiers)], default=Decimal(0))


def _twice(names: Iterable[str]) -> list[str]:
    all_ = list(names)
    return sorted({name for name in all_ if all_.count(name) > 1})


def _percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).normalize():f}%"


def _is_there(body: Any, path: Sequence[str]) -> bool:
    if not path:
        return True
    if isinstance(body, list):
        inner = [one for n, one in enumerate(body) if path[0] in (str(n), *(one.get(key) for key in ("code", "region") if isinstance(one, dict)))]
        return any(_is_there(one, path[1:]) for one in inner)
    return isinstance(body, dict) and path[0] in body and _is_there(body[path[0]], path[1:])


CHECKS: Final[tuple[Check, ...]] = (
    dates,
    places,
    ways_of_paying,
    applicants,
    services,
    caps,
    tiers,
    regional_ratios,
    stacks,
    cofunders,
    funds,
    windows,
    evidence,
    reviews,
    carriers,
    rewards,
    sources,
)
