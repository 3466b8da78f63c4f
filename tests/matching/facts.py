"""A candidate's facts for tests of pure ranking, with the strategies that make them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from matching.records import NOTHING, Record

TODAY = date(2026, 7, 1)


@dataclass(frozen=True)
class Facts:
    """A candidate's facts."""

    id: int
    type_fit: float
    distance_m: float | None
    net_price_fen: int
    voucher_part_fen: int
    wait_days: int | None
    precision: str = "point"
    type_name: str = "扫描电子显微镜"
    type_id: int = 1
    carrier_id: int = 1
    travel_s: float | None = None
    readings: tuple = ()
    record: Record = NOTHING
    accreditations: tuple[str, ...] = ()

    @property
    def lon(self):
        return 120.0 + self.carrier_id / 1000

    lat = 30.0

    @property
    def next_slot_start(self):
        return None if self.wait_days is None else datetime(2026, 7, 1, 2, tzinfo=UTC) + timedelta(days=self.wait_days)

    @property
    def report_on(self):
        return None if self.wait_days is None else TODAY + timedelta(days=self.wait_days + 3)


facts = st.builds(
    Facts,
    id=st.integers(1, 10**6),
    type_fit=st.floats(0, 1),
    distance_m=st.none() | st.floats(0, 400_000),
    net_price_fen=st.integers(0, 10**7),
    voucher_part_fen=st.integers(0, 10**6),
    wait_days=st.none() | st.integers(0, 60),
    precision=st.sampled_from(["point", "county", "city"]),
    carrier_id=st.integers(1, 4),
    type_id=st.integers(1, 2),
)
many = st.lists(facts, max_size=12, unique_by=lambda one: one.id)
