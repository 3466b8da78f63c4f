"""The nearest open instruments of a type among 100,000: our composite index (type_id, geom) against an index on the geometry alone."""

import random
from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from benchmarks.scratch import database, line, rate
from geodata.loading import load_services, load_types
from matching.candidates import Place, candidates

ROWS = 100_000

_FILL = f"""
INSERT INTO organisation (code, name_zh, kind, carrier_kind, is_sample, source) VALUES ('bench', '示例', 'carrier', 'platform', true, 'bench');
INSERT INTO instrument (code, organisation_id, type_id, name, geom, precision, source_crs, status, is_open, hours, specs, is_sample, source)
SELECT 'b' || n, 1, t.id, 'b', ST_SetSRID(ST_MakePoint(118 + 5 * random(), 27 + 4 * random()), 4326), 'point', 'WGS84', 'working', true,
       '{{}}', '{{}}', true, 'bench'
FROM generate_series(1, {ROWS}) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS c FROM instrument_type) t ON t.k = 1 + n - n / t.c * t.c;
"""


_OFFER = """
INSERT INTO listing (instrument_id, service_code, price, unit, report_days, notice_hours, state, row_version)
SELECT id, 'test_analysis', 10000, 'sample', 2, 24, 'open', 0 FROM instrument
"""


def run() -> Iterator[str]:
    """Give the rate of the query under both indexes."""
    with database() as url:
        engine = create_engine(url)
        with Session(engine) as session:
            load_types(session)
            load_services(session)
            for statement in _FILL.split(";\n"):
                if statement.strip():
                    session.execute(text(statement))
            session.commit()
            types = list(session.scalars(text("SELECT name_zh FROM instrument_type ORDER BY id")))
            session.execute(text(_OFFER))
            session.execute(text("ANALYZE"))
            dice = random.Random(1)
            asks = [(dice.choice(types), 118 + 5 * dice.random(), 27 + 4 * dice.random()) for _ in range(2_000)]

            def ask(n: int) -> None:
                kind, lon, lat = asks[n % len(asks)]
                candidates(session, {kind: 1.0}, place=Place(lon, lat), per_type=20)

            ours = rate(ask, count=200)
            session.execute(text("DROP INDEX gix_open_instrument_type_geom"))
            peer = rate(ask, count=20)
        engine.dispose()
        yield line(f"nearest 20 of a type in {ROWS:,}, composite index against geometry index", ours, peer)
