"""Minutes by road from one place to many, asked of a router when the operator has set one: OSRM or Valhalla, by `routingpy`.

Without a router, or when it does not answer within its time, nothing is known and the distance in a straight line stands, and is called so. Where a
person asks from is kept nowhere but in this process, rounded to about a hundred metres, for a few minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Any, Final

from core.errors import N_, Invalid

KINDS: Final = ("osrm", "valhalla")
TIMEOUT_S: Final = 1.5
LIVES_S: Final = 300.0
SILENT_S: Final = 30.0
"""A router that did not answer is left alone for so long: nobody waits for it again meanwhile."""

KEPT: Final = 20_000
AT_ONCE: Final = 80
"""Destinations in one request; public servers of OSRM allow 100 places."""

Point = tuple[float, float]
"""Longitude and latitude, WGS84 degrees."""


@dataclass(frozen=True)
class Router:
    """A routing service: osrm or valhalla, and the address of its server; none: no address."""

    kind: str = "osrm"
    url: str = ""


def router(setting: str) -> Router:
    """Read the setting: "" (none), "osrm+http://host:5000", "valhalla+https://host", or a bare http address, which is OSRM. Raises Invalid.

    >>> router("valhalla+http://127.0.0.1:8002")
    Router(kind='valhalla', url='http://127.0.0.1:8002')
    """
    if not setting:
        return Router()
    kind, found, url = setting.partition("+")
    kind, url = (kind.lower(), url) if found and kind.lower() in KINDS else ("osrm", setting)
    if not url.startswith(("http://", "https://")) or len(url) < 10:
        wrong = N_("设置 ROUTER_URL 的值“%(given)s”不能用：请写成 osrm+http://主机:端口 或 valhalla+http://主机:端口。")
        raise Invalid("ROUTER_URL", wrong, given=setting[:80])
    return Router(kind, url.rstrip("/"))


def seconds(service: Router, origin: Point, targets: Sequence[Point]) -> list[float | None]:
    """Return seconds by road from `origin` to each target, in order; None where there is no way, no router, or no answer in time."""
    if not service.url or not targets:
        return [None] * len(targets)
    start = _rounded(origin)
    wanted = list(dict.fromkeys(_rounded(one) for one in targets))
    known = {one: _kept.get((service, start, one)) for one in wanted}
    missing = [one for one in wanted if known[one] is None]
    until = monotonic() + TIMEOUT_S
    for at in range(0, len(missing), AT_ONCE):
        if monotonic() > until:
            break
        some = missing[at : at + AT_ONCE]
        for one, found in zip(some, _asked(service, start, some) or (), strict=False):
            known[one] = (found,)
            _kept.put((service, start, one), found)
    return [(known[_rounded(one)] or (None,))[0] for one in targets]


class _Memory:
    """What was answered in the last minutes: key → (seconds or None,), the oldest thrown away first."""

    def __init__(self) -> None:
        self._rows: dict[Any, tuple[float, float | None]] = {}
        self._silent: dict[Router, float] = {}
        self._lock = Lock()

    def get(self, key: Any) -> tuple[float | None] | None:
        row = self._rows.get(key)
        return (row[1],) if row and monotonic() - row[0] < LIVES_S else None

    def put(self, key: Any, found: float | None) -> None:
        with self._lock:
            self._rows.pop(key, None)
            self._rows[key] = (monotonic(), found)
            while len(self._rows) > KEPT:
                del self._rows[next(iter(self._rows))]

    def is_silent(self, service: Router) -> bool:
        return monotonic() - self._silent.get(service, -SILENT_S) < SILENT_S

    def fell_silent(self, service: Router) -> None:
        self._silent[service] = monotonic()

    def forget(self) -> None:
        """Forget everything: for tests."""
        self._rows.clear()
        self._silent.clear()


_kept = _Memory()


def _asked(service: Router, start: Point, targets: list[Point]) -> list[float | None] | None:
    """Ask the router; None when it does not answer, which is remembered for a while."""
    if _kept.is_silent(service):
        return None
    import requests
    from routingpy import exceptions

    broken = (requests.RequestException, exceptions.RouterError, exceptions.Timeout, exceptions.JSONParseError)
    try:
        found = _client(service).matrix(
            locations=[list(start), *(list(one) for one in targets)],
            profile="driving" if service.kind == "osrm" else "auto",
            sources=[0],
            destinations=list(range(1, len(targets) + 1)),
        )
        return [None if one is None else float(one) for one in found.durations[0]]
    except (*broken, KeyError, IndexError, TypeError, ValueError):
        _kept.fell_silent(service)
        return None


@lru_cache(maxsize=4)
def _client(service: Router) -> Any:
    import routingpy
    from routingpy.client_default import Client

    class Once(Client):  # type: ignore[misc]
        """A client that asks once: one that waits and asks again would keep the person waiting."""

        def _request(self, *args: Any, **named: Any) -> Any:
            if len(args) > 4 and args[4] > 0:
                raise routingpy.exceptions.Timeout
            return super()._request(*args, **named)

    make = routingpy.OSRM if service.kind == "osrm" else routingpy.Valhalla
    return make(base_url=service.url, timeout=TIMEOUT_S, client=Once)


def _rounded(one: Point) -> Point:
    return round(one[0], 3), round(one[1], 3)
