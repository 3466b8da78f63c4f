"""What the map shows: open instruments and carriers in narrow tables kept by triggers, counts by cell, and the log of their changes.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ZOOMS = (6, 8, 10, 12, 14, 16)
"""Zooms whose tiles are the cells; a zoom between two is put together from the finer one."""

COARSE = 10
"""Up to this zoom cells are also counted by class, kind or level alone: there a filter would add too many rows up."""

TABLES = ("open_instrument", "open_carrier", "grid_key", "grid", "grid_delta", "grid_state")

# Whole numbers of 2^-30 of the world's width (3.7 cm at the equator) from the north-west corner of the Web Mercator square: what is summed up
# can be taken away again without a rest.
POSITION = (
    """CREATE FUNCTION map_x(geom geometry) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT least(greatest(floor((public.ST_X(geom) + 180) / 360 * 1073741824), 0), 1073741823)::integer $$""",
    """CREATE FUNCTION map_y(geom geometry) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT least(greatest(floor((0.5 - asinh(tan(radians(least(greatest(public.ST_Y(geom), -85.0511287), 85.0511287)))) / (2 * pi())) * 1073741824),
                          0), 1073741823)::integer $$""",
)

# Only the owner may fill the tables past the triggers, by SET LOCAL irm.bulk = 'on', and owes them map_rebuild() in the same transaction.
FOLLOWS = """
CREATE FUNCTION map_follows() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('irm.bulk', true), '') <> 'on'
        OR current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.open_instrument'::regclass) $$
"""

COLUMNS = "id, geom, type_id, class_code, organisation_id, carrier_kind, level, adcode, precision, service, price, status, is_sample, name"
CARRIER_COLUMNS = "id, geom, carrier_kind, level, adcode, precision, instruments, is_sample"

VIEWS = {
    "map_instrument": """
        SELECT i.id, i.geom, i.type_id, t.class_code, i.organisation_id, o.carrier_kind, o.level, coalesce(i.adcode, o.adcode) AS adcode, i.precision,
               l.service_code AS service, l.price, i.status, i.is_sample, i.name
        FROM instrument i JOIN organisation o ON o.id = i.organisation_id LEFT JOIN instrument_type t ON t.id = i.type_id
        LEFT JOIN LATERAL (SELECT service_code, price FROM listing WHERE instrument_id = i.id AND state = 'open'
                           ORDER BY service_code <> 'test_analysis', price, id LIMIT 1) l ON true
        WHERE i.is_open""",
    "map_carrier": """
        SELECT o.id, s.geom, o.carrier_kind, o.level, coalesce(s.adcode, o.adcode) AS adcode, s.precision,
               (SELECT count(*) FROM open_instrument m WHERE m.organisation_id = o.id)::integer AS instruments, o.is_sample
        FROM organisation o LEFT JOIN LATERAL (SELECT geom, adcode, precision FROM site WHERE organisation_id = o.id
                                               ORDER BY geom IS NULL, id LIMIT 1) s ON true
        WHERE o.kind = 'carrier'""",
    "map_point": """
        SELECT 'instruments' AS layer, 1 AS n, px, py, coalesce(left(class_code, 2), '') AS class, coalesce(carrier_kind, '') AS kind,
               coalesce(level, '') AS level, id, (precision <> 'point')::integer AS approximate FROM open_instrument
        UNION ALL
        SELECT 'carriers', 1, px, py, '', coalesce(carrier_kind, ''), coalesce(level, ''), id, (precision <> 'point')::integer FROM open_carrier""",
    # Empty at all times: a row that the tables should hold and do not, or the other way round.
    "map_drift": f"""
        (SELECT 'missing instrument' AS fault, w.id FROM (SELECT {COLUMNS} FROM map_instrument EXCEPT SELECT {COLUMNS} FROM open_instrument) w)
        UNION ALL
        (SELECT 'stale instrument', w.id FROM (SELECT {COLUMNS} FROM open_instrument EXCEPT SELECT {COLUMNS} FROM map_instrument) w)
        UNION ALL
        (SELECT 'missing carrier', w.id FROM (SELECT {CARRIER_COLUMNS} FROM map_carrier EXCEPT SELECT {CARRIER_COLUMNS} FROM open_carrier) w)
        UNION ALL
        (SELECT 'stale carrier', w.id FROM (SELECT {CARRIER_COLUMNS} FROM open_carrier EXCEPT SELECT {CARRIER_COLUMNS} FROM map_carrier) w)""",
}

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET irm.bulk = 'off'"


def _assigned(columns: str, keep: tuple[str, ...] = ()) -> str:
    """Return `SET … WHERE …` of an upsert of `columns` that writes only what changed; those of `keep` stay as they are."""
    names = [name for name in columns.split(", ") if name not in ("id", *keep)]
    old, new = (", ".join(f"{table}.{name}" for name in names) for table in ("m", "excluded"))
    return f"SET ({', '.join(names)}) = ({new.replace('m.', '')}) WHERE ({old}) IS DISTINCT FROM ({new})"


# Locks in one order for everybody: instruments, types, organisations, then the rows of the map, each by id. Whoever changes an organisation
# waits for those who write its instruments (before and after), so that nobody copies or counts what is about to change; the statement after a
# lock sees what was waited for.
REFRESH = (
    f"""CREATE FUNCTION map_refresh(ids bigint[]) RETURNS void {_DEFINER} AS $$
    BEGIN
        IF cardinality(ids) = 0 THEN RETURN; END IF;
        PERFORM 1 FROM instrument WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
        PERFORM 1 FROM instrument_type WHERE id IN (SELECT type_id FROM instrument WHERE id = ANY (ids)) ORDER BY id FOR SHARE;
        PERFORM 1 FROM organisation WHERE id IN (SELECT organisation_id FROM instrument WHERE id = ANY (ids)
            UNION SELECT organisation_id FROM open_instrument WHERE id = ANY (ids)) ORDER BY id FOR SHARE;
        DELETE FROM open_instrument m WHERE m.id = ANY (ids) AND NOT EXISTS (SELECT FROM instrument i WHERE i.id = m.id AND i.is_open);
        INSERT INTO open_instrument AS m ({COLUMNS}) SELECT {COLUMNS} FROM map_instrument WHERE id = ANY (ids) ORDER BY id
        ON CONFLICT (id) DO UPDATE {_assigned(COLUMNS)};
    END $$""",
    f"""CREATE FUNCTION map_refresh_carriers(ids bigint[]) RETURNS void {_DEFINER} AS $$
    BEGIN
        IF cardinality(ids) = 0 THEN RETURN; END IF;
        PERFORM 1 FROM organisation WHERE id = ANY (ids) ORDER BY id FOR SHARE;
        PERFORM 1 FROM open_carrier WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
        DELETE FROM open_carrier m WHERE m.id = ANY (ids) AND NOT EXISTS (SELECT FROM organisation o WHERE o.id = m.id AND o.kind = 'carrier');
        -- how many instruments is counted for a new row only; from then on it is added up, since another's uncommitted rows cannot be counted
        INSERT INTO open_carrier AS m ({CARRIER_COLUMNS}) SELECT {CARRIER_COLUMNS} FROM map_carrier WHERE id = ANY (ids) ORDER BY id
        ON CONFLICT (id) DO UPDATE {_assigned(CARRIER_COLUMNS, keep=("instruments",))};
    END $$""",
)

SEEN = "geom, type_id, organisation_id, adcode, precision, status, is_open, is_sample, name"
PLACED = "kind, carrier_kind, level, adcode, is_sample"


def _differs(columns: str) -> str:
    old, new = (", ".join(f"{table}.{name}" for name in columns.split(", ")) for table in ("gone", "fresh"))
    return f"({old}) IS DISTINCT FROM ({new})"


FUNCTIONS = {
    "map_instrument_changed": f"""
        IF TG_OP = 'INSERT' THEN
            PERFORM map_refresh(ARRAY(SELECT id FROM fresh WHERE is_open));
        ELSIF TG_OP = 'UPDATE' THEN
            PERFORM map_refresh(ARRAY(SELECT id FROM gone FULL JOIN fresh USING (id) WHERE {_differs(SEEN)}));
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM map_refresh(ARRAY(SELECT id FROM gone WHERE is_open));
        ELSE
            DELETE FROM open_instrument;
        END IF;""",
    "map_listing_changed": """
        IF TG_OP = 'INSERT' THEN
            PERFORM map_refresh(ARRAY(SELECT DISTINCT instrument_id FROM fresh WHERE state = 'open'));
        ELSIF TG_OP = 'UPDATE' THEN
            PERFORM map_refresh(ARRAY(SELECT instrument_id FROM fresh UNION SELECT instrument_id FROM gone));
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM map_refresh(ARRAY(SELECT DISTINCT instrument_id FROM gone WHERE state = 'open'));
        ELSE
            PERFORM map_refresh(ARRAY(SELECT id FROM open_instrument WHERE price IS NOT NULL));
        END IF;""",
    "map_organisation_changed": f"""
        IF TG_OP = 'INSERT' THEN
            PERFORM map_refresh_carriers(ARRAY(SELECT id FROM fresh WHERE kind = 'carrier'));
        ELSIF TG_OP = 'UPDATE' THEN
            UPDATE open_instrument m SET carrier_kind = o.carrier_kind, level = o.level, adcode = coalesce(i.adcode, o.adcode)
            FROM instrument i JOIN organisation o ON o.id = i.organisation_id
            WHERE i.id = m.id AND m.organisation_id IN (SELECT id FROM gone FULL JOIN fresh USING (id) WHERE {_differs(PLACED)})
                AND (m.carrier_kind, m.level, m.adcode) IS DISTINCT FROM (o.carrier_kind, o.level, coalesce(i.adcode, o.adcode));
            PERFORM map_refresh_carriers(ARRAY(SELECT id FROM gone FULL JOIN fresh USING (id) WHERE {_differs(PLACED)}));
            INSERT INTO grid_delta (layer, n) SELECT layer, 0 FROM (VALUES ('instruments'), ('carriers')) l (layer)
            WHERE EXISTS (SELECT FROM gone FULL JOIN fresh USING (id) WHERE {_differs("name_zh, name_en")});
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM open_carrier WHERE id IN (SELECT id FROM gone);
        ELSE
            DELETE FROM open_carrier;
        END IF;""",
    "map_site_changed": """
        IF TG_OP = 'INSERT' THEN
            PERFORM map_refresh_carriers(ARRAY(SELECT DISTINCT organisation_id FROM fresh));
        ELSIF TG_OP = 'UPDATE' THEN
            PERFORM map_refresh_carriers(ARRAY(SELECT organisation_id FROM fresh UNION SELECT organisation_id FROM gone));
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM map_refresh_carriers(ARRAY(SELECT DISTINCT organisation_id FROM gone));
        ELSE
            PERFORM map_refresh_carriers(ARRAY(SELECT id FROM open_carrier));
        END IF;""",
    "map_type_changed": f"""
        UPDATE open_instrument m SET class_code = t.class_code FROM instrument_type t WHERE t.id = m.type_id AND t.class_code IS DISTINCT FROM m.class_code
            AND t.id IN (SELECT id FROM gone FULL JOIN fresh USING (id) WHERE {_differs("class_code")});
        INSERT INTO grid_delta (layer, n) SELECT 'instruments', 0
        WHERE EXISTS (SELECT FROM gone FULL JOIN fresh USING (id) WHERE {_differs("name_zh, name_en")});""",
    "map_region_changed": "INSERT INTO grid_delta (layer, n) VALUES ('regions', 0);",
}

FOLLOWED = {
    "instrument": ("map_instrument_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
    "listing": ("map_listing_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
    "organisation": ("map_organisation_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
    "site": ("map_site_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
    "instrument_type": ("map_type_changed", ("UPDATE",)),
    "open_instrument": ("map_instruments_counted", ("INSERT", "UPDATE", "DELETE")),
    "open_carrier": ("map_carriers_counted", ("INSERT", "UPDATE", "DELETE")),
    "region": ("map_region_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
    "region_shape": ("map_region_changed", ("INSERT", "UPDATE", "DELETE", "TRUNCATE")),
}
"""Table → the function that follows it, and on what. Statement by statement: a file of 20,000 rows is one call."""

_TRANSITION = {
    "INSERT": "REFERENCING NEW TABLE AS fresh",
    "UPDATE": "REFERENCING OLD TABLE AS gone NEW TABLE AS fresh",
    "DELETE": "REFERENCING OLD TABLE AS gone",
}

_POINT = """SELECT '{layer}', {sign}, px, py, {keys}, {sign} * id, {sign} * coalesce((precision <> 'point')::integer, 0) FROM {table}"""
_INTO = "INSERT INTO grid_delta (layer, n, px, py, class, kind, level, ids, approximate)"
_KEYS = "coalesce(left(class_code, 2), ''), coalesce(carrier_kind, ''), coalesce(level, '')"
_CARRIER_KEYS = "'', coalesce(carrier_kind, ''), coalesce(level, '')"


def _deltas(layer: str, keys: str) -> dict[str, str]:
    plus, minus = (_POINT.format(layer=layer, keys=keys, sign=sign, table=table) for sign, table in (("1", "fresh"), ("-1", "gone")))
    return {"plus": f"{_INTO} {plus};", "minus": f"{_INTO} {minus};"}


def _counted() -> str:
    said = _deltas("instruments", _KEYS)
    moved = """PERFORM 1 FROM open_carrier WHERE id IN (SELECT organisation_id FROM {all_rows}) ORDER BY id FOR NO KEY UPDATE;
        UPDATE open_carrier c SET instruments = c.instruments + d.n
        FROM (SELECT organisation_id AS id, sum(n) AS n FROM ({rows}) r GROUP BY 1 HAVING sum(n) <> 0) d WHERE d.id = c.id;"""
    plus, minus = "SELECT organisation_id, 1 AS n FROM fresh", "SELECT organisation_id, -1 AS n FROM gone"
    both = f"{plus} UNION ALL {minus}"
    # most updates leave an instrument where it is: then no carrier's row is locked
    changed = "SELECT organisation_id FROM fresh EXCEPT ALL SELECT organisation_id FROM gone"
    return f"""
        IF TG_OP = 'INSERT' THEN
            {said["plus"]} {moved.format(all_rows="fresh", rows=plus)}
        ELSIF TG_OP = 'DELETE' THEN
            {said["minus"]} {moved.format(all_rows="gone", rows=minus)}
        ELSE
            {said["minus"]} {said["plus"]}
            IF EXISTS ({changed}) THEN {moved.format(all_rows=f"({both}) b", rows=both)} END IF;
        END IF;"""


def _carriers_counted() -> str:
    said = _deltas("carriers", _CARRIER_KEYS)
    return f"""
        IF TG_OP = 'INSERT' THEN
            {said["plus"]}
        ELSIF TG_OP = 'DELETE' THEN
            {said["minus"]}
        ELSIF EXISTS (SELECT FROM gone FULL JOIN fresh USING (id) WHERE {_differs("geom, carrier_kind, level, precision")}) THEN
            {said["minus"]} {said["plus"]}
        ELSIF EXISTS (SELECT FROM fresh) THEN
            INSERT INTO grid_delta (layer, n) VALUES ('carriers', 0);
        END IF;"""


_SUMS = "sum(n) AS n, sum(approximate) AS approximate, sum(sx) AS sx, sum(sy) AS sy, sum(ids) AS ids"
_ALONE = {"class": "class, '*', '*'", "kind": "'*', kind, '*'", "level": "'*', '*', level"}


def _finest() -> str:
    """Return the cells of the finest zoom out of signed points."""
    by = f"layer, {ZOOMS[-1]} AS zoom, class, kind, level, px >> {30 - ZOOMS[-1]} AS x, py >> {30 - ZOOMS[-1]} AS y"
    sums = "sum(n) AS n, sum(approximate) AS approximate, sum(n * px::bigint) AS sx, sum(n * py::bigint) AS sy, sum(ids) AS ids"
    return f"cells{ZOOMS[-1]} AS (SELECT {by}, {sums} FROM {{source}} p WHERE px IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7)"


def _coarser(zoom: int, finer: int) -> str:
    """Return the cells of a zoom out of those of the next finer one: each step has fewer rows to add up than the points."""
    by = f"layer, {zoom} AS zoom, class, kind, level, x >> {finer - zoom} AS x, y >> {finer - zoom} AS y"
    return f"cells{zoom} AS (SELECT {by}, {_SUMS} FROM cells{finer} GROUP BY 1, 2, 3, 4, 5, 6, 7)"


def _spread(source: str) -> str:
    """Return the CTEs that add points to the cells of every zoom and key; `source` is a table of signed points."""
    steps = [_finest().format(source=source), *(_coarser(zoom, finer) for zoom, finer in zip(ZOOMS[-2::-1], ZOOMS[:0:-1], strict=True))]
    found = [f"SELECT * FROM cells{zoom}" for zoom in ZOOMS]
    for zoom in ZOOMS:
        alone = ["'*', '*', '*'", *(_ALONE.values() if zoom <= COARSE else ())]
        found += [f"SELECT layer, zoom, {keys}, x, y, {_SUMS} FROM cells{zoom} GROUP BY 1, 2, 3, 4, 5, 6, 7" for keys in alone]
    return f"{', '.join(steps)}, spread AS ({' UNION ALL '.join(found)}), {_ADD}"


_ADD = """
    new_key AS (
        INSERT INTO grid_key (layer, zoom, class, kind, level) SELECT DISTINCT layer, zoom, class, kind, level FROM spread
        ON CONFLICT (layer, zoom, class, kind, level) DO NOTHING RETURNING *),
    added AS (INSERT INTO grid AS g (key, x, y, n, approximate, sx, sy, ids)
    SELECT k.id, s.x, s.y, s.n, s.approximate, s.sx, s.sy, s.ids
    FROM spread s JOIN (SELECT * FROM grid_key UNION ALL SELECT * FROM new_key) k USING (layer, zoom, class, kind, level)
    WHERE s.n <> 0 OR s.sx <> 0 OR s.sy <> 0 OR s.ids <> 0 OR s.approximate <> 0
    ORDER BY 1, 2, 3
    ON CONFLICT (key, x, y) DO UPDATE SET n = g.n + excluded.n, approximate = g.approximate + excluded.approximate,
        sx = g.sx + excluded.sx, sy = g.sy + excluded.sy, ids = g.ids + excluded.ids)"""

STAMP = "UPDATE grid_state SET stamp = (random() * 9e15)::bigint"

# One at a time; readers see the cells without the changes or with them, never half: it is one statement in one transaction.
FOLD = f"""
CREATE FUNCTION grid_fold() RETURNS bigint {_DEFINER} AS $$
DECLARE done bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM grid_delta) OR NOT pg_try_advisory_xact_lock(hashtext('grid_fold')) THEN RETURN 0; END IF;
    WITH taken AS (DELETE FROM grid_delta RETURNING *),
    stamped AS ({STAMP} WHERE layer IN (SELECT layer FROM taken)),
    {_spread("taken")}
    SELECT count(*) INTO done FROM taken;
    DELETE FROM grid WHERE n = 0;
    RETURN done;
END $$
"""

REBUILD = f"""
CREATE FUNCTION map_rebuild() RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET irm.bulk = 'on'
SET work_mem = '128MB' AS $$
DECLARE done bigint; cells bigint;
BEGIN
    LOCK TABLE instrument_type, organisation, site, instrument, listing IN SHARE MODE;
    PERFORM pg_advisory_xact_lock(hashtext('grid_fold'));
    DELETE FROM open_instrument; DELETE FROM open_carrier; DELETE FROM grid; DELETE FROM grid_delta;
    -- neighbours on the map become neighbours on the disk; one pass over the listings instead of a look for each instrument
    INSERT INTO open_instrument ({COLUMNS})
    SELECT i.id, i.geom, i.type_id, t.class_code, i.organisation_id, o.carrier_kind, o.level, coalesce(i.adcode, o.adcode), i.precision,
           l.service_code, l.price, i.status, i.is_sample, i.name
    FROM instrument i JOIN organisation o ON o.id = i.organisation_id LEFT JOIN instrument_type t ON t.id = i.type_id
    LEFT JOIN (SELECT DISTINCT ON (instrument_id) instrument_id, service_code, price FROM listing WHERE state = 'open'
               ORDER BY instrument_id, service_code <> 'test_analysis', price, id) l ON l.instrument_id = i.id
    WHERE i.is_open ORDER BY i.geom;
    GET DIAGNOSTICS done = ROW_COUNT;
    INSERT INTO open_carrier ({CARRIER_COLUMNS})
    SELECT o.id, s.geom, o.carrier_kind, o.level, coalesce(s.adcode, o.adcode), s.precision, coalesce(n.instruments, 0), o.is_sample
    FROM organisation o
    LEFT JOIN (SELECT DISTINCT ON (organisation_id) organisation_id, geom, adcode, precision FROM site ORDER BY organisation_id, geom IS NULL, id) s
        ON s.organisation_id = o.id
    LEFT JOIN (SELECT organisation_id, count(*)::integer AS instruments FROM open_instrument GROUP BY 1) n ON n.organisation_id = o.id
    WHERE o.kind = 'carrier' ORDER BY s.geom;
    WITH {_spread("(SELECT *, id AS ids FROM map_point)")} SELECT count(*) INTO cells FROM new_key;
    {STAMP};
    RETURN done;
END $$
"""

INDEXES = (
    # partial, so that a question for a place alone, which tells nothing of types, is never answered through it: it would be read from end to end
    "CREATE INDEX gix_open_instrument_type_geom ON open_instrument USING gist (type_id, geom) WHERE type_id IS NOT NULL",
    "CREATE INDEX gix_open_instrument_geom ON open_instrument USING gist (geom)",
    "CREATE INDEX ix_open_instrument_organisation_id ON open_instrument (organisation_id)",
    "CREATE INDEX ix_open_instrument_adcode ON open_instrument (adcode bpchar_pattern_ops)",
    "CREATE INDEX gix_open_carrier_geom ON open_carrier USING gist (geom)",
    "CREATE INDEX ix_open_carrier_adcode ON open_carrier (adcode bpchar_pattern_ops)",
    "CREATE INDEX ix_grid_empty ON grid (key) WHERE n = 0",
)


def _point() -> sa.Column:
    return sa.Column("geom", Geometry("POINT", srid=4326, dimension=2, spatial_index=False, from_text="ST_GeomFromEWKT", name="geometry"))


def _placed() -> tuple[sa.Column, ...]:
    return (
        sa.Column("carrier_kind", sa.String()),
        sa.Column("level", sa.String()),
        sa.Column("adcode", sa.CHAR(6)),
        sa.Column("px", sa.Integer(), sa.Computed("map_x(geom)", persisted=True)),
        sa.Column("py", sa.Integer(), sa.Computed("map_y(geom)", persisted=True)),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
    )


def upgrade() -> None:
    for function in (*POSITION,):
        op.execute(function)
    _tables()
    op.execute(FOLLOWS)
    for index in INDEXES:
        op.execute(index)
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
    for function in (*REFRESH, FOLD, REBUILD):
        op.execute(function)
    for name, body in {**FUNCTIONS, "map_instruments_counted": _counted(), "map_carriers_counted": _carriers_counted()}.items():
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger {_DEFINER} AS $$ BEGIN {body} RETURN NULL; END $$")
    for table, (function, events) in FOLLOWED.items():
        for event in events:
            rows = "" if function == "map_region_changed" else _TRANSITION.get(event, "")
            op.execute(
                f"CREATE TRIGGER {table}_on_map_{event.lower()} AFTER {event} ON {table} {rows} FOR EACH STATEMENT "
                f"WHEN (map_follows()) EXECUTE FUNCTION {function}()"
            )
    op.execute(
        "ALTER TABLE grid_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 1000000)"
    )
    op.execute("INSERT INTO grid_state (layer, stamp) VALUES ('instruments', 0), ('carriers', 0), ('regions', 0)")
    op.execute("SELECT map_rebuild()")
    _grant()


def _tables() -> None:
    op.create_table(
        "open_instrument",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _point(),
        sa.Column("type_id", sa.Integer()),
        sa.Column("class_code", sa.String()),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        *_placed(),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("service", sa.String()),
        sa.Column("price", sa.BigInteger()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
    )
    op.create_table(
        "open_carrier",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _point(),
        *_placed(),
        sa.Column("precision", sa.String()),
        sa.Column("instruments", sa.Integer(), nullable=False),
    )
    op.create_table(
        "grid_key",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), primary_key=True),
        *(sa.Column(name, sa.Integer() if name == "zoom" else sa.String(), nullable=False) for name in ("layer", "zoom", "class", "kind", "level")),
        sa.UniqueConstraint("layer", "zoom", "class", "kind", "level"),
    )
    op.create_table(
        "grid",
        *(sa.Column(name, sa.Integer(), primary_key=True, autoincrement=False) for name in ("key", "x", "y")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("n", "approximate")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("sx", "sy", "ids")),
    )
    op.create_table(
        "grid_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("layer", sa.String(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=name != "n") for name in ("n", "px", "py", "approximate")),
        *(sa.Column(name, sa.String()) for name in ("class", "kind", "level")),
        sa.Column("ids", sa.BigInteger()),
    )
    op.create_table("grid_state", sa.Column("layer", sa.String(), primary_key=True), sa.Column("stamp", sa.BigInteger(), nullable=False))


def _grant() -> None:
    """The application reads; what it changes of the map it changes by the triggers, which run with their owner's rights."""
    op.execute(f"GRANT SELECT ON {', '.join((*TABLES, *VIEWS))} TO irm_app")
    op.execute("REVOKE ALL ON FUNCTION map_rebuild(), map_refresh(bigint[]), map_refresh_carriers(bigint[]), grid_fold() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION grid_fold() TO irm_app")


def downgrade() -> None:
    for table, (_, events) in FOLLOWED.items():
        for event in events:
            op.execute(f"DROP TRIGGER {table}_on_map_{event.lower()} ON {table}")
    for name in (*FUNCTIONS, "map_instruments_counted", "map_carriers_counted", "grid_fold", "map_rebuild", "map_refresh", "map_refresh_carriers"):
        op.execute(f"DROP FUNCTION {name}")
    op.execute(f"DROP VIEW {', '.join(VIEWS)}")
    op.execute(f"DROP TABLE {', '.join(TABLES)}")
    for name in ("map_follows", "map_x", "map_y"):
        op.execute(f"DROP FUNCTION {name}")
