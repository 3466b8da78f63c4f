"""The figures that the founding paper reports, each from one SQL query over this store, beside the paper's own.

Everything is counted for one region, by where the enterprise stands (money, services) or the carrier (carriers, instruments), up to now. A figure
without a counterpart in the paper has None there. The paper: 浙江省推行科技创新券助推“双创”发展的实践探索.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_
from geodata.regions import HOME, shared_digits
from geodata.sampling.organisations import CHANGXING, HUZHOU
from geodata.sampling.world import SIZES, World, lands

YUAN: Final = 100


@dataclass(frozen=True)
class Figure:
    """A figure: its name for machines, title and definition for people (message ids), the paper's value, whether it grows with the world's size."""

    name: str
    title: str
    definition: str
    paper: float | None
    unit: str = ""
    grows: bool = False


@dataclass(frozen=True)
class Found:
    """A figure with what the store says; `ratio` is value ÷ paper, for what grows with the size of a smaller world value ÷ (paper × scale)."""

    figure: Figure
    value: float | None
    scale: float

    @property
    def ratio(self) -> float | None:
        """Return how the store's value stands to the paper's; None where the paper has none."""
        if self.value is None or not self.figure.paper:
            return None
        return self.value / (self.figure.paper * (self.scale if self.figure.grows else 1.0))

    def as_json(self, translate: Callable[[str], str]) -> dict[str, Any]:
        """Return everything as plain data."""
        names = {"figure": self.figure.name, "title": translate(self.figure.title), "definition": translate(self.figure.definition)}
        numbers = {"value": _plain(self.value), "paper": _plain(self.figure.paper), "ratio": None if self.ratio is None else round(self.ratio, 4)}
        return {**names, "unit": self.figure.unit, **numbers, "scale": round(self.scale, 4) if self.figure.grows else 1}


def figures(session: Session, region: str = HOME) -> list[Found]:
    """Return all figures of a region (adcode) in the order of `FIGURES`."""
    scale, values = _scale(session), dict[str, Any]()
    for query in _QUERIES:
        rows = session.execute(text(query), {"inside": shared_digits(region) + "%", "changxing": CHANGXING, "huzhou": HUZHOU})
        values |= dict(rows.mappings().one())
    return [Found(figure, None if values[figure.name] is None else float(values[figure.name]), scale) for figure in FIGURES]


def _scale(session: Session) -> float:
    """Return the size of the home province in this world against the paper's, by its services; 1 outside a sample world."""
    world = session.query(World).first()
    return lands(world.size)[0].size.services / SIZES["paper"].services if world else 1.0


def _plain(value: float | None) -> float | int | None:
    return value if value is None else int(value) if float(value).is_integer() else round(value, 4)


_SERVED: Final = """
WITH served AS (
    SELECT o.id, o.enterprise_id, o.carrier_id, o.price, o.voucher_part, e.adcode, e.size_class, e.kind FROM orders o
    JOIN organisation e ON e.id = o.enterprise_id WHERE o.state IN ('confirmed', 'settled') AND e.adcode LIKE :inside)
"""

_QUERIES: Final = (
    f"""{_SERVED}
    SELECT count(*) AS services, count(DISTINCT enterprise_id) FILTER (WHERE voucher_part > 0) AS enterprises, sum(voucher_part) / 100.0 AS used,
           sum(voucher_part) / 100.0 / nullif(count(*), 0) AS per_service,
           sum(voucher_part) / 100.0 / nullif(count(DISTINCT enterprise_id), 0) AS per_enterprise,
           count(*)::numeric / nullif(count(DISTINCT enterprise_id), 0) AS services_per_enterprise,
           count(*)::numeric / nullif((SELECT count(*) FROM organisation WHERE kind = 'carrier' AND adcode LIKE :inside), 0) AS services_per_carrier,
           count(*)::numeric / nullif(count(DISTINCT carrier_id), 0) AS services_per_serving_carrier,
           sum(voucher_part) FILTER (WHERE size_class IN ('micro', 'small') OR kind = 'team') / nullif(sum(voucher_part), 0) AS small_share
    FROM served""",
    """SELECT (SELECT count(*) FROM organisation WHERE kind = 'carrier' AND adcode LIKE :inside) AS carriers,
           (SELECT count(*) FROM open_carrier WHERE adcode LIKE :inside AND instruments > 0) AS open_carriers,
           (SELECT count(*) FROM instrument i JOIN organisation o ON o.id = i.organisation_id
            WHERE coalesce(i.adcode, o.adcode) LIKE :inside) AS instruments,
           (SELECT count(*) FROM open_instrument WHERE adcode LIKE :inside) AS open_instruments""",
    """WITH v AS (
        SELECT e.adcode, b.face, b.used + b.redeemed AS used, b.redeemed, b.holder_id FROM voucher_balance b
        JOIN organisation e ON e.id = b.holder_id WHERE e.adcode LIKE :inside),
    by_city AS (SELECT left(adcode, 4) AS city, sum(face) AS face, rank() OVER (ORDER BY sum(face) DESC) AS place FROM v GROUP BY 1)
    SELECT sum(face) / 100.0 AS issued, sum(redeemed) / 100.0 AS redeemed, sum(used)::numeric / nullif(sum(face), 0) AS used_share,
           sum(face) FILTER (WHERE adcode = :changxing) / 100.0 AS changxing_issued,
           sum(used) FILTER (WHERE adcode = :changxing) / 100.0 AS changxing_used,
           sum(used) FILTER (WHERE adcode = :changxing) / nullif(sum(face) FILTER (WHERE adcode = :changxing), 0) AS changxing_used_share,
           count(DISTINCT holder_id) FILTER (WHERE adcode = :changxing AND used > 0) AS changxing_enterprises,
           (SELECT face FROM by_city WHERE city = left(:huzhou, 4)) / 100.0 AS huzhou_issued,
           (SELECT place FROM by_city WHERE city = left(:huzhou, 4)) AS huzhou_place
    FROM v""",
    f"""{_SERVED},
    academic AS (
        SELECT s.carrier_id FROM served s JOIN organisation c ON c.id = s.carrier_id WHERE c.carrier_kind IN ('university', 'institute')
        GROUP BY 1 ORDER BY count(*) DESC, 1
        LIMIT greatest(1, round(75.0 * (SELECT count(*) FROM organisation WHERE kind = 'carrier' AND adcode LIKE :inside) / 6553))),
    sample AS (SELECT * FROM served WHERE carrier_id IN (SELECT carrier_id FROM academic))
    SELECT count(DISTINCT carrier_id) AS academic_carriers, count(*) AS academic_services, count(DISTINCT enterprise_id) AS academic_enterprises,
           sum(voucher_part) / 100.0 AS academic_vouchers, sum(price) / 100.0 AS academic_contracts,
           sum(voucher_part) / nullif(sum(price), 0) AS academic_share,
           count(*)::numeric / nullif((SELECT count(*) FROM served), 0) AS academic_services_share,
           sum(voucher_part) / nullif((SELECT sum(voucher_part) FROM served), 0) AS academic_money_share
    FROM sample""",
    """WITH covered AS (
        SELECT c.adcode, c.parent_adcode FROM region c WHERE c.level = 'county' AND c.adcode LIKE :inside AND EXISTS (
            SELECT FROM policy_version p WHERE p.valid_from <= current_date AND coalesce(p.valid_to, current_date) >= current_date
                AND p.region IN (c.adcode, left(c.adcode, 4) || '00', left(c.adcode, 2) || '0000')))
    SELECT count(DISTINCT parent_adcode) AS cities_covered, count(*) AS counties_covered FROM covered""",
)
"""Each gives one row, the columns named as the figures."""

FIGURES: Final = (
    Figure("services", N_("服务次数"), N_("双方已确认的订单"), 40_299, grows=True),
    Figure("enterprises", N_("用过券的企业"), N_("至少有一次已确认用券的企业和团队"), 11_642, grows=True),
    Figure("used", N_("用掉的券"), N_("已确认订单里券付的金额之和"), 498_000_000, "CNY", grows=True),
    Figure("per_service", N_("每次服务用券"), N_("用掉的券 ÷ 服务次数"), 12_358, "CNY"),
    Figure("per_enterprise", N_("每家企业用券"), N_("用掉的券 ÷ 用过券的企业"), 42_776, "CNY"),
    Figure("services_per_enterprise", N_("每家企业的服务次数"), N_("服务次数 ÷ 用过券的企业"), 3.46),
    Figure("services_per_carrier", N_("每个载体的服务次数"), N_("服务次数 ÷ 在册载体"), 6.15),
    Figure("services_per_serving_carrier", N_("每个有服务的载体的服务次数"), N_("服务次数 ÷ 至少服务过一次的载体"), None),
    Figure("small_share", N_("小微企业和团队用券的占比"), N_("小型、微型企业和团队用掉的券 ÷ 用掉的券（论文：70% 以上）"), 0.70),
    Figure("carriers", N_("在册载体"), N_("各类载体，不论是否开放仪器"), 6_553, grows=True),
    Figure("open_carriers", N_("有开放仪器的载体"), N_("至少有一台开放仪器的载体"), 6_553, grows=True),
    Figure("instruments", N_("在册仪器"), N_("各种状态的仪器，不设价值门槛"), 100_000, "", grows=True),
    Figure("open_instruments", N_("开放仪器"), N_("对外开放的仪器，不设价值门槛"), 100_000, grows=True),
    Figure("issued", N_("发出的券"), N_("已发放的券的面额之和"), None, "CNY", grows=True),
    Figure("redeemed", N_("已兑付的券"), N_("财政已拨付的券的金额之和"), None, "CNY", grows=True),
    Figure("used_share", N_("券的使用率"), N_("用掉的券 ÷ 发出的券（全区域；论文只有长兴的数）"), None),
    Figure("changxing_issued", N_("长兴发出的券"), N_("长兴县企业和团队名下的券的面额之和"), 52_340_000, "CNY", grows=True),
    Figure("changxing_used", N_("长兴用掉的券"), N_("长兴县企业和团队用掉的券"), 26_940_000, "CNY", grows=True),
    Figure("changxing_used_share", N_("长兴的券的使用率"), N_("长兴用掉的券 ÷ 长兴发出的券"), 0.515),
    Figure("changxing_enterprises", N_("长兴用过券的企业"), N_("长兴县至少用过一次券的企业和团队（论文：约 300）"), 300, grows=True),
    Figure("huzhou_issued", N_("湖州发出的券"), N_("湖州市（含各县区）企业和团队名下的券的面额之和"), 120_000_000, "CNY", grows=True),
    Figure("huzhou_place", N_("湖州在全省的名次"), N_("各市按发出的券从多到少排，并列同名次"), 1),
    Figure("academic_carriers", N_("领先的高校院所"), N_("服务次数最多的高校和科研院所，个数为在册载体的 75/6553"), 75, grows=True),
    Figure("academic_services", N_("领先高校院所的服务次数"), N_("它们已确认的订单（论文：10000 以上）"), 10_000, grows=True),
    Figure("academic_enterprises", N_("领先高校院所服务的企业"), N_("它们服务过的企业和团队（论文：约 5000）"), 5_000, grows=True),
    Figure("academic_vouchers", N_("领先高校院所收的券"), N_("它们的订单里券付的金额之和（论文：约 1.2 亿）"), 120_000_000, "CNY", grows=True),
    Figure("academic_contracts", N_("领先高校院所的合同额"), N_("它们的订单的金额之和（论文：约 2.5 亿）"), 250_000_000, "CNY", grows=True),
    Figure("academic_share", N_("券占合同额"), N_("它们收的券 ÷ 合同额"), 0.48),
    Figure("academic_services_share", N_("它们占服务次数"), N_("它们的服务次数 ÷ 全部服务次数"), 0.25),
    Figure("academic_money_share", N_("它们占用券金额"), N_("它们收的券 ÷ 用掉的券"), 0.24),
    Figure("cities_covered", N_("有政策的市"), N_("至少一个县区有现行政策的市"), 11),
    Figure("counties_covered", N_("有政策的县区"), N_("本级、本市或本省有现行政策的县区（论文：约 100 个县区和开发区）"), 100),
)
"""In the order in which they are told."""
