"""Each signal says one thing, in a line with a number, and better facts never count less."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from matching import decay
from matching.needs import parse_need
from matching.records import NOTHING, Record, Usual
from matching.signals import SIGNALS, read_type_fit
from matching.signals.carrier import read_accreditation, read_quality, read_responsiveness
from matching.signals.cost import read_budget, read_own_part
from matching.signals.fit import read_spec_fit
from matching.signals.place import read_distance
from matching.signals.time import read_slot
from matching.specfit import Known

TODAY = date(2026, 7, 1)


@dataclass(frozen=True)
class Facts:
    """A candidate's facts, ordinary unless a test says otherwise."""

    id: int = 1
    type_fit: float = 0.9
    precision: str = "point"
    distance_m: float | None = 12_000.0
    net_price_fen: int = 40_000
    voucher_part_fen: int = 60_000
    next_slot_start: datetime | None = datetime(2026, 7, 3, 1, 0, tzinfo=UTC)
    report_on: date | None = date(2026, 7, 6)
    type_name: str = "万能材料试验机"
    travel_s: float | None = None
    readings: tuple = ()
    record: Record = NOTHING
    accreditations: tuple = ()


def need(text="断口形貌"):
    return parse_need(text, today=TODAY)


def line(reading):
    return reading.reason.sign, reading.reason.text % reading.reason.params


def test_distance_does_not_count_nearby_and_halves_at_the_scale_of_the_sector():
    values = [read_distance(need(), Facts(distance_m=metres)).value for metres in (0, 3_000, 18_000)]
    assert values == pytest.approx([1.0, 1.0, 0.5])
    assert line(read_distance(need(), Facts())) == ("fits", "直线距离 12.0 公里")
    assert line(read_distance(need(), Facts(distance_m=48_200))) == ("tradeoff", "直线距离 48.2 公里")


def test_a_rare_machine_is_worth_a_longer_way():
    tester, tunnel = (read_distance(need(), Facts(distance_m=60_000, type_name=name)).value for name in ("硬度计", "风洞"))
    assert tester < 0.01
    assert tunnel > 0.9


def test_a_time_by_road_goes_before_the_straight_line():
    by_road = read_distance(need(), Facts(travel_s=3_000))
    assert line(by_road) == ("tradeoff", "车程 50 分钟")
    assert by_road.value < read_distance(need(), Facts()).value


def test_a_figure_that_is_not_stated_lies_between_one_that_is_met_and_one_that_is_not():
    wanted = need("拉伸试验，最大力不低于300 kN")
    assert [one.op for one in wanted.limits] == [">="]
    one = wanted.limits[0]
    strong, weak = (Known(one.quantity, 0.0, newton, one.si_unit) for newton in (600_000.0, 100_000.0))
    values = [read_spec_fit(wanted, Facts(readings=readings)).value for readings in ((strong,), (), (weak,), (weak, strong))]
    assert values == [1.0, 0.5, 0.0, 1.0]
    assert line(read_spec_fit(wanted, Facts()))[1].startswith("指标未标明")
    assert read_spec_fit(need(), Facts()).value == 1.0


def test_a_carrier_without_a_past_stands_at_what_is_usual_and_nothing_is_told():
    new = read_quality(need(), Facts(record=Record(usual=Usual(0.9, 0.9, 8.0))))
    assert (new.value, new.reason) == (0.9, None)
    good = read_quality(need(), Facts(record=Record(40, 40, 40, usual=Usual(0.9, 0.9, 8.0))))
    poor = read_quality(need(), Facts(record=Record(40, 20, 40, usual=Usual(0.9, 0.9, 8.0))))
    assert poor.value < new.value < good.value
    assert line(good) == ("fits", "40 次交付中 40 次准时，有把握的下限 91%")
    assert line(poor) == ("tradeoff", "40 次交付中只有 20 次准时")
    assert read_quality(need(), Facts(record=Record(1, 1, 1))).reason is None


def test_who_answers_sooner_counts_more_and_few_answers_count_little():
    values = [read_responsiveness(need(), Facts(record=Record(answers=20, answer_hours=hours))).value for hours in (1, 8, 24)]
    assert values == sorted(values, reverse=True)
    once, often = (read_responsiveness(need(), Facts(record=Record(answers=n, answer_hours=24.0))).value for n in (1, 50))
    assert often < once < read_responsiveness(need(), Facts()).value
    assert line(read_responsiveness(need(), Facts(record=Record(answers=9, answer_hours=2.5)))) == ("fits", "通常 2.5 小时内答复")


def test_accreditations_count_by_what_is_asked():
    wanted = need("拉伸，要CMA")
    held, none = Facts(accreditations=("CMA",)), Facts(accreditations=("CNAS",))
    assert [read_accreditation(wanted, one).value for one in (held, none, Facts())] == [1.0, 0.0, 0.0]
    assert [read_accreditation(need(), one).value for one in (held, Facts())] == [1.0, 0.5]


def test_a_place_known_to_its_city_says_so_and_gains_nothing_from_a_distance():
    rough = [read_distance(need(), Facts(precision="city", distance_m=metres)) for metres in (None, 0, 90_000)]
    assert len({reading.value for reading in rough}) == 1
    assert line(rough[0]) == ("tradeoff", "位置约到市")
    assert rough[0].value < read_distance(need(), Facts(distance_m=18_000)).value


def test_without_a_place_of_ones_own_there_is_nothing_to_tell_of_distance():
    assert read_distance(need(), Facts(distance_m=None)).reason is None


def test_the_own_part_counts_and_both_parts_are_told():
    assert line(read_own_part(need(), Facts())) == ("fits", "券抵 ¥600.00，自付 ¥400.00")
    assert line(read_own_part(need(), Facts(net_price_fen=100_000, voucher_part_fen=0))) == ("tradeoff", "没有券可抵，自付 ¥1,000.00")
    values = [read_own_part(need(), Facts(net_price_fen=fen)).value for fen in (0, 10_000, 100_000, 10**9)]
    assert values == sorted(values, reverse=True)


def test_a_report_in_time_beats_any_late_one_and_days_are_counted():
    wanted = need("断口形貌，7月8日前")
    assert line(read_slot(wanted, Facts())) == ("fits", "2026-07-06 出报告，比要求早 2 天")
    late = read_slot(wanted, Facts(report_on=date(2026, 7, 11)))
    assert line(late) == ("tradeoff", "2026-07-11 出报告，比要求晚 3 天")
    last_moment = Facts(next_slot_start=datetime(2026, 7, 8, 1, 0, tzinfo=UTC), report_on=date(2026, 7, 8))
    assert late.value < read_slot(wanted, last_moment).value


def test_the_slots_day_is_the_day_in_shanghai():
    evening = datetime(2026, 7, 2, 17, 0, tzinfo=UTC)
    assert line(read_slot(need(), Facts(next_slot_start=evening))) == ("fits", "最早 2026-07-03 可约")


def test_no_free_slot_is_worth_nothing():
    assert read_slot(need(), Facts(next_slot_start=None)).value == 0


def test_sooner_is_never_worth_less():
    start = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
    for text in ("断口形貌", "断口形貌，7月8日前"):
        values = [
            read_slot(need(text), Facts(next_slot_start=start + timedelta(days=days), report_on=date(2026, 7, 3) + timedelta(days=days))).value
            for days in range(30)
        ]
        assert values == sorted(values, reverse=True)


def test_the_budget_is_held_against_what_the_person_pays():
    wanted = need("断口形貌，预算500元以内")
    assert line(read_budget(wanted, Facts())) == ("fits", "比预算低 ¥100.00")
    over = read_budget(wanted, Facts(net_price_fen=100_000))
    assert line(over) == ("tradeoff", "比预算高 ¥500.00")
    assert over.value == 0.5
    assert read_budget(need(), Facts(net_price_fen=10**9)).value == 1.0


def test_a_poor_fit_of_type_is_told_as_a_trade_off():
    assert line(read_type_fit(need(), Facts(type_fit=0.2))) == ("tradeoff", "仪器类型只吻合 20%")
    assert line(read_type_fit(need(), Facts())) == ("fits", "仪器类型与需求吻合 90%")


@pytest.mark.parametrize(
    "facts", [Facts(), replace(Facts(), type_fit=7.0, distance_m=0.0, net_price_fen=0), Facts(next_slot_start=datetime(2020, 1, 1, tzinfo=UTC))]
)
def test_every_value_lies_between_none_and_all(facts):
    for text in ("断口", "断口，预算1元，7月2日前"):
        assert all(0 <= signal.read(need(text), facts).value <= 1 for signal in SIGNALS)


def test_each_line_has_a_number_unless_there_is_none_to_give():
    told = [signal.read(need("断口，预算100元，7月2日前"), Facts()).reason for signal in SIGNALS]
    assert all(any(char.isdigit() for char in reason.text % reason.params) for reason in told if reason)


def test_a_decay_halves_at_its_half_falls_on_and_refuses_a_half_of_nothing():
    near = decay.exponential_decay(10)
    assert [near(amount) for amount in (-5, 0, 10, 20)] == [1.0, 1.0, 0.5, 0.25]
    assert 0 <= near(1e9) < 1e-9
    with pytest.raises(ValueError, match="above 0"):
        decay.exponential_decay(0)
