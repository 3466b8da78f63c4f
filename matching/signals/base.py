"""What every signal shares: the facts that it reads of a candidate, the reading that it returns, and the reason told with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from matching.needs import Need
from matching.records import Record
from matching.specfit import Known


class Facts(Protocol):
    """What the signals read of a candidate: distances in metres, money in fen, `next_slot_start` aware, `report_on` in Asia/Shanghai.

    `distance_m` is None where there is no exact distance: the person gave no place, or `precision` is anything but "point". `travel_s`: seconds by
    road, None where no router answered. `readings`: the instrument's specifications in SI. `record`: of the carrier, empty where nothing may be told.
    `accreditations`: kinds in capitals that were checked and are valid today.
    """

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def type_fit(self) -> float: ...  # noqa: D102
    @property
    def type_name(self) -> str: ...  # noqa: D102
    @property
    def precision(self) -> str: ...  # noqa: D102
    @property
    def distance_m(self) -> float | None: ...  # noqa: D102
    @property
    def travel_s(self) -> float | None: ...  # noqa: D102
    @property
    def net_price_fen(self) -> int: ...  # noqa: D102
    @property
    def voucher_part_fen(self) -> int: ...  # noqa: D102
    @property
    def next_slot_start(self) -> datetime | None: ...  # noqa: D102
    @property
    def report_on(self) -> date | None: ...  # noqa: D102
    @property
    def readings(self) -> tuple[Known, ...]: ...  # noqa: D102
    @property
    def record(self) -> Record: ...  # noqa: D102
    @property
    def accreditations(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of why: it fits, or it is a trade-off; `text` is a message id whose fields are in `params`."""

    sign: Literal["fits", "tradeoff"]
    text: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one signal says of one candidate: a value 0..1 and, where there is something to tell, a reason."""

    value: float
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal's name, its weight against the others (0..10), and the function that reads it."""

    name: str
    weight: float
    read: Callable[[Need, Facts], Reading]
