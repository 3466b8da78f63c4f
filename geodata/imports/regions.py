"""The region that a row states, by code or by name, as it is called today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from geodata.adcodes import current_adcode
from geodata.imports.values import Said, plain
from geodata.regions import Region, is_within

_TAILS: Final = ("自治县", "区", "县", "市")


@dataclass(frozen=True)
class Stated:
    """What a row says of its region: adcode of today, and what was read into it."""

    adcode: str
    notes: tuple[Said, ...] = ()


class Regions:
    """The regions in the store by code and by name; `home` is the carrier's own, which decides between counties of one name."""

    def __init__(self, session: Session, home: str | None) -> None:
        self.session, self.home = session, home or ""
        rows = session.execute(select(Region.adcode, Region.name_zh, Region.level, Region.parent_adcode).where(Region.level != "zone")).all()
        self.names: Mapping[str, str] = {row.adcode: row.name_zh for row in rows}
        self._by_name: dict[str, list[str]] = {}
        for row in rows:
            for name in {row.name_zh, *(row.name_zh.removesuffix(tail) for tail in _TAILS if len(row.name_zh) > len(tail) + 1)}:
                self._by_name.setdefault(name, []).append(row.adcode)
        self._known: dict[tuple[str, tuple[float, float] | None], Stated | Invalid | None] = {}

    def stated(self, text: str, point: tuple[float, float] | None) -> Stated | None:
        """Return the region that a cell names, None where it is blank; raise `Invalid("region")` for one that is none or may be several."""
        rough = (round(point[0], 3), round(point[1], 3)) if point else None
        key = (text, rough)
        if key not in self._known:
            try:
                self._known[key] = self._read(text, rough)
            except Invalid as wrong:
                self._known[key] = wrong
        found = self._known[key]
        if isinstance(found, Invalid):
            raise found
        return found

    def named_in(self, text: str) -> str | None:
        """Return the smallest region whose full name stands in an address, None where none or several do."""
        said = plain(text)
        found = {
            code for name, codes in self._by_name.items() if len(name) > 1 and name.endswith(("区", "县", "市")) and name in said for code in codes
        }
        found = {code for code in found if not any(other != code and is_within(other, code) for other in found)}
        near = {code for code in found if code[:2] == self.home[:2]} or found
        return near.pop() if len(near) == 1 else None

    def _read(self, text: str, point: tuple[float, float] | None) -> Stated | None:
        said = plain(text).replace(" ", "")
        if not said:
            return None
        code = re.fullmatch(r"(\d{6})(?:\d{3}|\d{6})?(?:\.0)?", said)
        if code:
            return self._current(code[1], text, point)
        found = self._named(said)
        if len(found) == 1:
            return Stated(found[0])
        if found:
            several = "、".join(f"{code} {self._full(code)}" for code in found[:4])
            raise Invalid("region", N_("“%(text)s”可能是几个地方：%(several)s。请写全称或六位代码。"), text=text[:40], several=several)
        raise Invalid("region", N_("没有找到名为“%(text)s”的县（市、区）。请写全称，例如 长兴县，或六位代码 330522。"), text=text[:40])

    def _named(self, said: str) -> list[str]:
        """Return the regions of a name with or without those above it: 西湖区, 杭州市西湖区, 浙江杭州西湖."""
        whole = self._by_name.get(said)
        if whole:
            return self._nearest(whole)
        tails = [name for name in self._by_name if said.endswith(name) and len(name) > 1]
        found = [code for name in tails if len(name) == max(map(len, tails)) for code in self._by_name[name]]
        above = [code for code in found if self._above(code, said)]
        return self._nearest(above or found)

    def _nearest(self, codes: list[str]) -> list[str]:
        for digits in (4, 2):
            near = [code for code in codes if self.home and code[:digits] == self.home[:digits]]
            if near:
                return near if len(near) == 1 else [code for code in near if code[4:] != "00"][:1] or near
        return codes

    def _above(self, code: str, said: str) -> bool:
        city = self.names.get(code[:4] + "00", "")
        return bool(city) and city.removesuffix("市") in said

    def _current(self, code: str, text: str, point: tuple[float, float] | None) -> Stated:
        found = current_adcode(self.session, code, *(point or (None, None)))
        if found.adcode and found.adcode in self.names:
            return Stated(found.adcode, (found.note,) if found.note else ())
        if found.candidates:
            several = "、".join(f"{one} {self._full(one)}" for one in found.candidates)
            raise Invalid("region", N_("代码 %(text)s 已经拆成几个区：%(several)s。请写其中一个，或者填上坐标。"), text=text[:20], several=several)
        raise Invalid("region", N_("没有代码为 %(text)s 的行政区。请核对六位代码。"), text=text[:20])

    def _full(self, code: str) -> str:
        return self.names.get(code[:4] + "00", "") + self.names.get(code, "") if code[4:] != "00" else self.names.get(code, "")
