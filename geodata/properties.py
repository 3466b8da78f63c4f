"""What programs read of instruments, carriers and regions: the properties of each collection, how they are read and how one asks for a value.

`m` is the row that is asked for (`open_instrument`, `open_carrier`, a region with its outline), `x`, `o`, `t`, `s` what is joined to read it. Times
are ISO 8601, money is fen, geometry WGS84 longitude and latitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import N_

Form = Literal["integer", "fen", "number", "string", "boolean", "date-time"]


@dataclass(frozen=True)
class Property:
    """A property: its name, its form, the SQL that reads it, the SQL condition that it equals `:{}` ("": cannot be asked for), what it means."""

    name: str
    form: Form
    read: str
    equals: str
    says: str


@dataclass(frozen=True)
class Collection:
    """A collection of features: what stands behind FROM, what is joined to read a row, its properties in order.

    `single`: FROM for one row by `m.id`, where that is more than the collection holds. `ready`: a table in which rows are written already.
    `time`: SQL of the instant that a row carries, "" where rows carry none. `key`: form of the id. `title`, `text`: message ids.
    """

    name: str
    source: str
    joins: str
    properties: tuple[Property, ...]
    title: str
    text: str
    key: Form = "integer"
    single: str = ""
    ready: str = ""
    time: str = ""
    is_point: bool = True

    def property(self, name: str) -> Property | None:
        """Return the property of that name, None when there is none."""
        return next((one for one in self.properties if one.name == name), None)


def _instrument(column: str) -> str:
    return f"EXISTS (SELECT FROM instrument e WHERE e.id = m.id AND e.{column} = :{{}})"


def _organisation(column: str, key: str = "m.id") -> str:
    return f"EXISTS (SELECT FROM organisation e WHERE e.id = {key} AND e.{column} = :{{}})"


LISTED: Final = "(SELECT min(l.created_at) FROM listing l WHERE l.instrument_id = m.id AND l.state = 'open')"

_SAMPLE: Final = Property("is_sample", "boolean", "m.is_sample", "m.is_sample = :{}", "true: generated for demonstration")
_REGION: Final = Property("region", "string", "m.adcode", "m.adcode = :{}", "six-digit adcode of the smallest known region")
_LEVEL: Final = Property("level", "string", "m.level", "m.level = :{}", "level of recognition of the carrier")
_PRECISION: Final = Property("precision", "string", "m.precision", "m.precision = :{}", "how exact the place is: point, township, county or city")

INSTRUMENTS: Final = Collection(
    "instruments",
    source="open_instrument m",
    joins="JOIN instrument x ON x.id = m.id JOIN organisation o ON o.id = m.organisation_id LEFT JOIN instrument_type t ON t.id = m.type_id",
    single="""(SELECT i.id, i.geom, i.type_id, k.class_code, i.organisation_id, q.carrier_kind, q.level, coalesce(i.adcode, q.adcode) AS adcode,
        i.precision, l.service_code AS service, l.price, i.status, i.is_sample, i.name
        FROM instrument i JOIN organisation q ON q.id = i.organisation_id LEFT JOIN instrument_type k ON k.id = i.type_id
        LEFT JOIN LATERAL (SELECT service_code, price FROM listing WHERE instrument_id = i.id AND state = 'open'
            ORDER BY service_code <> 'test_analysis', price, id LIMIT 1) l ON true) m""",
    ready="open_feature",
    time=LISTED,
    title=N_("仪器"),
    text=N_("对外开放的仪器，每台一个点，带所属载体、类型和最先给出的报价（分）。"),
    properties=(
        Property("code", "string", "x.code", "m.id = (SELECT e.id FROM instrument e WHERE e.code = :{})", "code in the register"),
        Property("name", "string", "m.name", "m.name = :{}", "name of the instrument"),
        Property(
            "type", "string", "t.name_zh", "m.type_id = ANY(ARRAY(SELECT e.id FROM instrument_type e WHERE e.name_zh = :{}))", "instrument type"
        ),
        Property("class_code", "string", "m.class_code", "m.class_code = :{}", "class of the national scheme, six digits"),
        Property("model", "string", "x.model", _instrument("model"), "model of the maker"),
        Property("value", "fen", "x.value", _instrument("value"), "original value, fen"),
        Property("status", "string", "m.status", "m.status = :{}", "working, maintenance or retired"),
        _PRECISION,
        Property("source_crs", "string", "x.source_crs", _instrument("source_crs"), "coordinate system in which the place was given"),
        _REGION,
        Property("carrier_id", "integer", "m.organisation_id", "m.organisation_id = :{}", "id of its carrier in the collection carriers"),
        Property("carrier", "string", "o.name_zh", _organisation("name_zh", "m.organisation_id"), "name of its carrier"),
        Property("kind", "string", "m.carrier_kind", "m.carrier_kind = :{}", "kind of its carrier"),
        _LEVEL,
        Property("service", "string", "m.service", "m.service = :{}", "service of the offer that comes first"),
        Property("price", "fen", "m.price", "m.price = :{}", "price of that offer, fen"),
        Property(
            "listed_at",
            "date-time",
            f"to_char({LISTED} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            "",
            "when the oldest of its open offers was entered",
        ),
        _SAMPLE,
    ),
)

_SITE: Final = "(SELECT e.source_crs FROM site e WHERE e.organisation_id = m.id ORDER BY e.geom IS NULL, e.id LIMIT 1)"

CARRIERS: Final = Collection(
    "carriers",
    source="open_carrier m",
    joins="JOIN organisation x ON x.id = m.id",
    title=N_("载体"),
    text=N_("提供仪器和服务的单位，各取第一个有坐标的园区，带开放仪器台数。"),
    properties=(
        Property("code", "string", "x.code", "m.id = (SELECT e.id FROM organisation e WHERE e.code = :{})", "code in the register"),
        Property("name", "string", "x.name_zh", _organisation("name_zh"), "name, Chinese"),
        Property("name_en", "string", "x.name_en", _organisation("name_en"), "name, English"),
        Property("kind", "string", "m.carrier_kind", "m.carrier_kind = :{}", "kind of carrier"),
        _LEVEL,
        _REGION,
        _PRECISION,
        Property("source_crs", "string", _SITE, f"{_SITE} = :{{}}", "coordinate system in which the place was given"),
        Property("instruments", "integer", "m.instruments", "m.instruments = :{}", "open instruments"),
        _SAMPLE,
    ),
)

REGIONS: Final = Collection(
    "regions",
    source="""(SELECT r.adcode::text AS id, r.level, r.name_zh, r.name_en, r.parent_adcode, r.area_km2, r.population, r.population_year, r.source,
        g.geom FROM region r LEFT JOIN region_shape g ON g.adcode = r.adcode AND g.detail = 'simple') m""",
    joins="",
    key="string",
    is_point=False,
    title=N_("行政区"),
    text=N_("省、市、县和功能区，边界为显示用的简化线（约 150 米），带人口及其年份。"),
    properties=(
        Property("name", "string", "m.name_zh", "m.name_zh = :{}", "name, Chinese"),
        Property("name_en", "string", "m.name_en", "m.name_en = :{}", "name, English"),
        Property("level", "string", "m.level", "m.level = :{}", "province, city, county or zone"),
        Property("parent", "string", "m.parent_adcode", "m.parent_adcode = :{}", "adcode of the region above"),
        Property("area_km2", "number", "m.area_km2", "m.area_km2 = :{}", "area, square kilometres"),
        Property("population", "integer", "m.population", "m.population = :{}", "inhabitants"),
        Property("population_year", "integer", "m.population_year", "m.population_year = :{}", "year of that figure"),
        Property("source", "string", "m.source", "m.source = :{}", "where the boundary comes from"),
    ),
)

COLLECTIONS: Final[Mapping[str, Collection]] = {one.name: one for one in (INSTRUMENTS, CARRIERS, REGIONS)}
"""All collections by name."""
