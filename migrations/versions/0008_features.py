"""What programs read of an open instrument, written once: its place and properties as JSON text, kept by triggers; and the count of a box by cells.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

# Names and order of the properties are those of geodata.properties; a test compares them.
FEATURE = """
CREATE VIEW map_feature AS
SELECT m.id, coalesce(ST_AsGeoJSON(m.geom, 15), 'null') AS geometry, row_to_json((SELECT r FROM (SELECT
    x.code, m.name, t.name_zh AS type, m.class_code, x.model, x.value, m.status, m.precision, x.source_crs, m.adcode AS region,
    m.organisation_id AS carrier_id, o.name_zh AS carrier, m.carrier_kind AS kind, m.level, m.service, m.price,
    (SELECT to_char(min(l.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
     FROM listing l WHERE l.instrument_id = m.id AND l.state = 'open') AS listed_at, m.is_sample) r))::text AS properties
FROM open_instrument m JOIN instrument x ON x.id = m.id JOIN organisation o ON o.id = m.organisation_id LEFT JOIN instrument_type t ON t.id = m.type_id
"""

# Empty at all times.
DRIFT = """
CREATE VIEW map_feature_drift AS
SELECT coalesce(w.id, f.id) AS id FROM map_feature w FULL JOIN open_feature f ON f.id = w.id
WHERE (w.geometry, w.properties) IS DISTINCT FROM (f.geometry, f.properties)
"""

# The rows are locked first and written by another statement, which sees what was waited for: two who change the same instrument never both
# write what only they know.
REFRESH = f"""
CREATE FUNCTION feature_refresh(ids bigint[]) RETURNS void LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    IF cardinality(ids) = 0 THEN RETURN; END IF;
    PERFORM 1 FROM open_feature WHERE id = ANY (ids) ORDER BY id FOR UPDATE;
    INSERT INTO open_feature AS f (id, geometry, properties) SELECT id, geometry, properties FROM map_feature WHERE id = ANY (ids) ORDER BY id
    ON CONFLICT (id) DO UPDATE SET geometry = excluded.geometry, properties = excluded.properties
        WHERE (f.geometry, f.properties) <> (excluded.geometry, excluded.properties);
END $$
"""

SHOWN = "geom, type_id, class_code, organisation_id, carrier_kind, level, adcode, precision, service, price, status, is_sample, name"


def _differs(columns: str) -> str:
    old, new = (", ".join(f"{table}.{name}" for name in columns.split(", ")) for table in ("gone", "fresh"))
    return f"({old}) IS DISTINCT FROM ({new})"


def _changed(columns: str) -> str:
    return f"SELECT id FROM gone JOIN fresh USING (id) WHERE {_differs(columns)}"


def _refresh(query: str) -> str:
    """Return the statements that write anew what `query` names. It is planned each time, knowing how many rows there are: one or 20,000."""
    return f"EXECUTE $q$ SELECT coalesce(array_agg(DISTINCT id), '{{}}') FROM ({query}) c $q$ INTO ids; PERFORM feature_refresh(ids);"


FUNCTIONS = {
    "feature_follows": f"""
        IF TG_OP = 'INSERT' THEN
            EXECUTE $q$ INSERT INTO open_feature (id, geometry, properties) SELECT id, geometry, properties FROM map_feature WHERE id IN (SELECT id FROM fresh)
            ON CONFLICT (id) DO UPDATE SET geometry = excluded.geometry, properties = excluded.properties $q$;
        ELSIF TG_OP = 'UPDATE' THEN
            {_refresh(_changed(SHOWN))}
        ELSE
            EXECUTE $q$ DELETE FROM open_feature WHERE id IN (SELECT id FROM gone) $q$;
        END IF;""",
    "feature_instrument": _refresh(f"SELECT id FROM ({_changed('code, model, value, source_crs')}) d JOIN open_instrument USING (id)"),
    "feature_listing": f"""
        IF TG_OP = 'INSERT' THEN
            {_refresh("SELECT instrument_id AS id FROM fresh WHERE state = 'open'")}
        ELSIF TG_OP = 'UPDATE' THEN
            {_refresh("SELECT instrument_id AS id FROM fresh UNION SELECT instrument_id FROM gone")}
        ELSE
            {_refresh("SELECT instrument_id AS id FROM gone WHERE state = 'open'")}
        END IF;""",
    "feature_organisation": _refresh(f"SELECT id FROM open_instrument WHERE organisation_id IN ({_changed('name_zh')})"),
    "feature_type": _refresh(f"SELECT id FROM open_instrument WHERE type_id IN ({_changed('name_zh')})"),
}

FOLLOWED = {
    "open_instrument": ("feature_follows", ("INSERT", "UPDATE", "DELETE")),
    "instrument": ("feature_instrument", ("UPDATE",)),
    "listing": ("feature_listing", ("INSERT", "UPDATE", "DELETE")),
    "organisation": ("feature_organisation", ("UPDATE",)),
    "instrument_type": ("feature_type", ("UPDATE",)),
}
"""Table → function, events. The names of the triggers come after those of the map in the alphabet, so they fire after them, in the same order of locks.
A bulk load past the triggers ends with `map_rebuild`, which writes `open_instrument` anew, and that is always followed."""

_TRANSITION = {
    "INSERT": "REFERENCING NEW TABLE AS fresh",
    "UPDATE": "REFERENCING OLD TABLE AS gone NEW TABLE AS fresh",
    "DELETE": "REFERENCING OLD TABLE AS gone",
}

# Planned once: a plan made without the numbers takes the index that the statement was written for, if scans of the whole table are not thought of.
_PLANNED = "SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off"

# The exact number of open instruments in a box (WGS84 degrees, edges included): whole cells of one zoom, changes that these do not know yet,
# and the points between the cells and the edge. Two positions (7 cm) are left as a margin for the rounding of the formulas.
COUNT = f"""
CREATE FUNCTION open_in_box(west float8, south float8, east float8, north float8) RETURNS bigint LANGUAGE plpgsql STABLE {_PLANNED} AS $$
DECLARE
    x0 integer := map_x(ST_MakePoint(west, south)); y0 integer := map_y(ST_MakePoint(west, north));
    x1 integer := map_x(ST_MakePoint(east, south)); y1 integer := map_y(ST_MakePoint(west, south));
    -- the finest of three zooms at which the box is at most 128 cells wide: the finer the cells, the fewer points along the border
    z integer := CASE WHEN x1 - x0 <= 128 << 16 THEN 14 WHEN x1 - x0 <= 128 << 18 THEN 12 ELSE 10 END;
    enough integer := CASE z WHEN 14 THEN 400 ELSE 24 END; -- cells that spare more than they cost
    sh integer := 30 - z; size float8 := 2.0 ^ -z;
    fw integer := ((x0 + 1) >> sh) + 1; fn integer := ((y0 + 1) >> sh) + 1; fe integer := ((x1 - 1) >> sh) - 1; fs integer := ((y1 - 1) >> sh) - 1;
    w float8; e float8; s float8; n float8; found bigint; part bigint; plain integer;
BEGIN
    IF fw > fe OR fn > fs OR (fe - fw) * (fs - fn) < enough THEN
        SELECT count(*) INTO found FROM open_instrument m WHERE m.geom && ST_MakeEnvelope(west, south, east, north, 4326)
            AND CASE WHEN m.px BETWEEN x0 + 2 AND x1 - 2 AND m.py BETWEEN y0 + 2 AND y1 - 2 THEN true
                     ELSE ST_X(m.geom) BETWEEN west AND east AND ST_Y(m.geom) BETWEEN south AND north END;
        RETURN found;
    END IF;
    SELECT id INTO plain FROM grid_key WHERE layer = 'instruments' AND zoom = z AND class = '*' AND kind = '*' AND level = '*';
    SELECT coalesce(sum(g.n), 0) INTO found FROM grid g WHERE g.key = plain AND g.x BETWEEN fw AND fe AND g.y BETWEEN fn AND fs;
    SELECT coalesce(sum(d.n), 0) INTO part FROM grid_delta d WHERE d.layer = 'instruments' AND d.px >> sh BETWEEN fw AND fe AND d.py >> sh BETWEEN fn AND fs;
    found := found + part;
    w := fw * size * 360 - 180; e := (fe + 1) * size * 360 - 180;
    n := degrees(atan(sinh(pi() * (1 - 2 * (fn * size))))); s := degrees(atan(sinh(pi() * (1 - 2 * ((fs + 1) * size)))));
    SELECT count(*) INTO part FROM open_instrument m
    WHERE (m.geom && ST_MakeEnvelope(west, south, w + 1e-5, north, 4326) OR m.geom && ST_MakeEnvelope(e - 1e-5, south, east, north, 4326)
        OR m.geom && ST_MakeEnvelope(west, south, east, s + 1e-5, 4326) OR m.geom && ST_MakeEnvelope(west, n - 1e-5, east, north, 4326))
        AND NOT (m.px >> sh BETWEEN fw AND fe AND m.py >> sh BETWEEN fn AND fs)
        AND CASE WHEN m.px BETWEEN x0 + 2 AND x1 - 2 AND m.py BETWEEN y0 + 2 AND y1 - 2 THEN true
                 ELSE ST_X(m.geom) BETWEEN west AND east AND ST_Y(m.geom) BETWEEN south AND north END;
    RETURN found + part;
END $$
"""

# A page of a box: from the index on places where few points lie in it, along the ids where many do, and then the first are soon found.
# Which of the two, only the count tells; a plan would have to guess.
PAGE = f"""
CREATE FUNCTION open_page(west float8, south float8, east float8, north float8, after bigint, many integer, leave bigint)
RETURNS TABLE (total bigint, returned bigint, more boolean, last bigint, body text) LANGUAGE plpgsql STABLE
{_PLANNED} SET enable_bitmapscan = off AS $$
DECLARE
    x0 integer := map_x(ST_MakePoint(west, south)) - 2; y0 integer := map_y(ST_MakePoint(west, north)) - 2;
    x1 integer := map_x(ST_MakePoint(east, south)) + 2; y1 integer := map_y(ST_MakePoint(west, south)) + 2;
    ids bigint[];
BEGIN
    -- a box of less than 400 cells of zoom 14 is looked through once, for the count and for the page
    IF (x1 - x0)::bigint * (y1 - y0) < 400 * 4294967296 THEN
        ids := ARRAY(SELECT m.id FROM open_instrument m WHERE m.geom && ST_MakeEnvelope(west, south, east, north, 4326)
            AND ST_X(m.geom) BETWEEN west AND east AND ST_Y(m.geom) BETWEEN south AND north ORDER BY m.id + 0);
        total := cardinality(ids);
        IF after > 0 THEN ids := ARRAY(SELECT i FROM unnest(ids) i WHERE i > after ORDER BY i); END IF;
        ids := ids[leave + 1:leave + many + 1];
    ELSE
        total := open_in_box(west, south, east, north);
    END IF;
    IF ids IS NOT NULL THEN
        NULL;
    ELSIF total <= 2000 THEN
        ids := ARRAY(SELECT m.id FROM open_instrument m WHERE m.geom && ST_MakeEnvelope(west, south, east, north, 4326)
            AND ST_X(m.geom) BETWEEN west AND east AND ST_Y(m.geom) BETWEEN south AND north AND m.id > after
            ORDER BY m.id + 0 LIMIT many + 1 OFFSET leave);
    ELSE
        ids := ARRAY(SELECT m.id FROM open_instrument m WHERE m.px BETWEEN x0 AND x1 AND m.py BETWEEN y0 AND y1
            AND ST_X(m.geom) BETWEEN west AND east AND ST_Y(m.geom) BETWEEN south AND north AND m.id > after
            ORDER BY m.id LIMIT many + 1 OFFSET leave);
    END IF;
    more := cardinality(ids) > many;
    ids := ids[1:many];
    returned := cardinality(ids);
    last := ids[returned];
    SELECT string_agg(concat('{{"type":"Feature","id":', f.id, ',"geometry":', f.geometry, ',"properties":', f.properties, '}}'), ',' ORDER BY f.id)
    INTO body FROM open_feature f WHERE f.id = ANY (ids);
    RETURN NEXT;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "open_feature",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("geometry", sa.String(), nullable=False),
        sa.Column("properties", sa.String(), nullable=False),
    )
    for statement in (FEATURE, DRIFT, REFRESH, COUNT, PAGE):
        op.execute(sa.text(statement.replace(":", "\\:")))
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$ DECLARE ids bigint[]; BEGIN {body} RETURN NULL; END $$"
        )
    for table, (function, events) in FOLLOWED.items():
        for event in events:
            always = "" if table == "open_instrument" else "WHEN (map_follows())"
            op.execute(
                f"CREATE TRIGGER {table}_on_text_{event.lower()} AFTER {event} ON {table} {_TRANSITION[event]} FOR EACH STATEMENT "
                f"{always} EXECUTE FUNCTION {function}()"
            )
    op.execute("INSERT INTO open_feature (id, geometry, properties) SELECT id, geometry, properties FROM map_feature ORDER BY id")
    op.execute("GRANT SELECT ON open_feature, map_feature, map_feature_drift TO irm_app")
    op.execute("REVOKE ALL ON FUNCTION feature_refresh(bigint[]) FROM PUBLIC")


def downgrade() -> None:
    for table, (_, events) in FOLLOWED.items():
        for event in events:
            op.execute(f"DROP TRIGGER {table}_on_text_{event.lower()} ON {table}")
    for name in (*FUNCTIONS, "open_page", "open_in_box", "feature_refresh"):
        op.execute(f"DROP FUNCTION {name}")
    op.execute("DROP VIEW map_feature_drift, map_feature")
    op.execute("DROP TABLE open_feature")
