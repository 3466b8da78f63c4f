"""Ask a geocoder on the network about an address, where an operator has set one; off by default. The answer is judged like our own.

What the service says becomes candidates in WGS84 (Baidu answers in BD-09, which is converted); one answer that lies where the address says it
does is taken, anything else stays a question. A service that does not answer changes nothing but the note.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from sqlalchemy.orm import Session

from core.errors import N_
from geodata.crs import to_wgs84
from geodata.places import Found, Geocoded, Precision
from geodata.regions import is_within, region_at

AGENT: Final = "innovation-resource-map"
ASKED: Final = 5
"""Answers that are asked for."""

_BROAD: Final[dict[str, Precision]] = {
    "city": "city",
    "state": "none",
    "province": "none",
    "county": "county",
    "district": "county",
    "town": "township",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A geocoder on the network: its name, the address of the server (empty: its own), key, seconds to wait, seconds between two requests."""

    name: str = "none"
    url: str = ""
    key: str = ""
    timeout_s: float = 5.0
    pause_s: float = 1.0


def ask_online(session: Session, found: Geocoded, service: Service) -> Geocoded:
    """Return what is known of an address after asking `service`; as it was where the point is exact already or no service is set."""
    if service.name == "none" or not found.text.strip() or (found.certain and found.precision == "point"):
        return found
    from geopy.exc import GeopyError

    try:
        locations = _paced(service)(found.text) or []
    except GeopyError:
        return replace(found, note=found.note or (N_("在线地名服务没有回答，结果只来自本机资料。"), {}))
    return _judged(session, found, [found_location(session, location, service) for location in locations])


def _judged(session: Session, found: Geocoded, answers: Sequence[Found]) -> Geocoded:  # noqa: ARG001 (domain functions take the session first)
    fitting = [one for one in answers if found.adcode is None or (one.adcode and is_within(one.adcode, found.adcode))]
    if len(fitting) == 1 and not found.candidates:
        only = fitting[0]
        return replace(found, adcode=only.adcode, lon=only.lon, lat=only.lat, precision=only.precision, name=only.full)
    if found.certain and not fitting:
        return found
    return replace(found, candidates=tuple(dict.fromkeys((*found.candidates, *fitting))))


def found_location(session: Session, location: Any, service: Service) -> Found:
    """Return one answer of a service as a place, in WGS84, with the region in which its point lies."""
    lon, lat = to_wgs84(np.array([[location.longitude, location.latitude]]), _KINDS[service.name].crs)[0].tolist()
    region = region_at(session, lon, lat)
    raw = location.raw if isinstance(location.raw, dict) else {}
    kind = str(raw.get("addresstype") or raw.get("type") or raw.get("level") or "")
    return Found(location.address or "", "", "settlement", region.adcode if region else None, lon, lat, _BROAD.get(kind, "point"), "")


@cache
def _paced(service: Service) -> Callable[[str], Any]:
    """Return the service's own `geocode`, no two requests of this process closer than `pause_s`."""
    geocode, lock, last = _KINDS[service.name].open(service), Lock(), [0.0]

    def ask(address: str) -> Any:
        with lock:
            time.sleep(max(0.0, last[0] + service.pause_s - time.monotonic()))
            last[0] = time.monotonic()
            return geocode(address)

    return ask


def _nominatim(service: Service) -> Callable[[str], Any]:
    from geopy.geocoders import Nominatim

    coder = Nominatim(user_agent=AGENT, timeout=service.timeout_s, **_server(service))
    return lambda address: coder.geocode(address, exactly_one=False, limit=ASKED, country_codes="cn")


def _photon(service: Service) -> Callable[[str], Any]:
    from geopy.geocoders import Photon

    coder = Photon(user_agent=AGENT, timeout=service.timeout_s, **_server(service))
    return lambda address: coder.geocode(address, exactly_one=False, limit=ASKED)


def _baidu(service: Service) -> Callable[[str], Any]:
    from geopy.geocoders import BaiduV3

    coder = BaiduV3(api_key=service.key, user_agent=AGENT, timeout=service.timeout_s)
    return lambda address: coder.geocode(address, exactly_one=False)


def _server(service: Service) -> dict[str, str]:
    parts = urlsplit(service.url)
    return {"domain": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme} if parts.netloc else {}


@dataclass(frozen=True, slots=True)
class _Kind:
    open: Callable[[Service], Callable[[str], Any]]
    crs: str


_KINDS: Final = {"nominatim": _Kind(_nominatim, "WGS84"), "photon": _Kind(_photon, "WGS84"), "baidu": _Kind(_baidu, "BD-09")}

SERVICES: Final = ("none", *_KINDS)
"""Names that the setting may have."""
