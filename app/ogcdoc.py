"""The OpenAPI 3.0 document of `/ogc/`, written from the collections themselves: every property is a parameter and a field of a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.api.problem import MEDIA_TYPE
from app.ogcquery import CRS84, FORMATS, MOST, USUAL
from geodata.properties import COLLECTIONS, Collection, Form, Property

Schema = dict[str, Any]
OK, NO = "200", ("400", "404", "500")


def document(base: str) -> Schema:
    """Return the document for the service at `base` (absolute address of `/ogc`)."""
    paths: Schema = {
        "/": _get("landing", "Landing page", "Landing", "application/json"),
        "/conformance": _get("conformance", "Conformance classes", "Conformance", "application/json"),
        "/api": _get("api", "This document", "", "application/vnd.oai.openapi+json;version=3.0"),
        "/collections": _get("collections", "All collections", "Collections", "application/json"),
    }
    for one in COLLECTIONS.values():
        path = f"/collections/{one.name}"
        paths[path] = _get(one.name, f"The collection {one.name}", "Collection", "application/json")
        paths[f"{path}/schema"] = _get(f"{one.name}.schema", f"JSON Schema of {one.name}", "", "application/schema+json")
        paths[f"{path}/items"] = _get(f"{one.name}.items", f"Features of {one.name}", f"{one.name}Page", GEOJSON, parameters=_page_parameters(one))
        key = {"name": "featureId", "in": "path", "required": True, "schema": _FORMS[one.key]}
        paths[f"{path}/items/{{featureId}}"] = _get(f"{one.name}.item", f"A feature of {one.name}", one.name, GEOJSON, parameters=[key])
    return {
        "openapi": "3.0.3",
        "info": {"title": "Innovation resource map: features", "version": "1.0.0", "description": _ABOUT},
        "servers": [{"url": base}],
        "tags": [{"name": "features", "description": "OGC API - Features - Part 1: Core"}],
        "paths": paths,
        "components": {"parameters": _PARAMETERS, "responses": _RESPONSES, "schemas": _schemas()},
    }


def schema(one: Collection, base: str) -> Schema:
    """Return the JSON Schema of a feature of collection `one`."""
    shape = "Point" if one.is_point else "MultiPolygon"
    fields = {field.name: {**_FORMS[field.form], "description": field.says} for field in one.properties}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{one.name}/schema",
        "title": one.name,
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"const": "Feature"},
            "id": _FORMS[one.key],
            "geometry": {"oneOf": [{"type": "null"}, {"$ref": f"https://geojson.org/schema/{shape}.json"}]},
            "properties": {"type": "object", "properties": fields},
        },
    }


def _get(name: str, summary: str, schema: str, kind: str, *, parameters: list[Schema] | None = None) -> Schema:
    reference = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
    content = {kind: {"schema": reference}, "text/html": {"schema": {"type": "string"}}}
    answers = {OK: {"description": "what was asked for", "content": content}, **{code: {"$ref": f"#/components/responses/{code}"} for code in NO}}
    shared = [{"$ref": f"#/components/parameters/{one}"} for one in ("f", "lang")]
    return {
        "get": {"tags": ["features"], "operationId": name, "summary": summary, "parameters": [*(parameters or []), *shared], "responses": answers}
    }


def _page_parameters(one: Collection) -> list[Schema]:
    shared = [{"$ref": f"#/components/parameters/{name}"} for name in ("bbox", "bbox-crs", "datetime", "limit", "offset")]
    return [*shared, *(_equals(field) for field in one.properties if field.equals)]


def _equals(field: Property) -> Schema:
    return {
        "name": field.name, "in": "query", "required": False, "style": "form", "explode": False,
        "description": f"only features with this value: {field.says}", "schema": _FORMS[field.form],
    }  # fmt: skip


def _schemas() -> Schema:
    found = dict(_SCHEMAS)
    for one in COLLECTIONS.values():
        fields = {field.name: {**_FORMS[field.form], "nullable": True, "description": field.says} for field in one.properties}
        geometry = {"$ref": "#/components/schemas/" + ("Point" if one.is_point else "MultiPolygon")}
        found[one.name] = {
            "type": "object", "required": ["type", "id", "geometry", "properties"],
            "properties": {
                "type": {"type": "string", "enum": ["Feature"]}, "id": _FORMS[one.key],
                "geometry": {"nullable": True, "allOf": [geometry]},
                "properties": {"type": "object", "properties": fields}, "links": _LINKS,
            },
        }  # fmt: skip
        found[f"{one.name}Page"] = {
            "type": "object", "required": ["type", "features"],
            "properties": {
                "type": {"type": "string", "enum": ["FeatureCollection"]},
                "features": {"type": "array", "items": {"$ref": f"#/components/schemas/{one.name}"}},
                "numberMatched": {"type": "integer", "minimum": 0}, "numberReturned": {"type": "integer", "minimum": 0},
                "timeStamp": {"type": "string", "format": "date-time"}, "links": _LINKS,
            },
        }  # fmt: skip
    return found


GEOJSON: Final = "application/geo+json"
_ABOUT: Final = (
    "Instruments, carriers and regions as OGC API - Features - Part 1: Core. Coordinates: WGS84 longitude, latitude. Money: fen. "
    "Rows with is_sample are generated for demonstration."
)
_FORMS: Final[Mapping[Form, Schema]] = {
    "integer": {"type": "integer", "format": "int64"},
    "fen": {"type": "number", "multipleOf": 1},  # whole, but past 32 bits, which programs take for granted where they read "integer"
    "number": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date-time": {"type": "string", "format": "date-time"},
}
_BOX: Final = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_BBOX: Final = (
    "west,south,east,north (with heights: west,south,low,east,north,high), CRS84; west may be greater than east. The edges belong to the box; "
    "features without a place are in no box."
)
_DATETIME: Final = (
    "an instant or an interval of RFC 3339, an open end empty or ..; compared with listed_at of instruments. Features without a time are in every "
    "interval."
)
_PARAMETERS: Final[Schema] = {
    "f": {"name": "f", "in": "query", "description": "format; else as the header Accept says", "schema": {"type": "string", "enum": list(FORMATS)}},
    "lang": {"name": "lang", "in": "query", "description": "language of titles and pages", "schema": {"type": "string", "enum": ["zh", "en"]}},
    "bbox": {
        "name": "bbox", "in": "query", "required": False, "style": "form", "explode": False, "schema": _BOX,
        "description": _BBOX,
    },
    "bbox-crs": {
        "name": "bbox-crs", "in": "query", "description": "the only one", "schema": {"type": "string", "enum": [CRS84], "default": CRS84},
    },
    "datetime": {
        "name": "datetime", "in": "query", "required": False, "style": "form", "explode": False, "schema": {"type": "string"},
        "description": _DATETIME,
    },
    "limit": {
        "name": "limit", "in": "query", "required": False, "style": "form", "explode": False,
        "description": "features at most", "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    },
    "offset": {
        "name": "offset", "in": "query", "description": "features to leave out first", "schema": {"type": "integer", "minimum": 0, "default": 0},
    },
}  # fmt: skip
_RESPONSES: Final = {
    code: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for code, text in (("400", "a parameter cannot be used; errors names it"), ("404", "not found"), ("500", "a fault of ours"))
}
_LINKS: Final = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}
_TEXT: Final = {"type": "string"}
_SCHEMAS: Final[Schema] = {
    "Link": {
        "type": "object", "required": ["href", "rel"],
        "properties": {"href": _TEXT, "rel": _TEXT, "type": _TEXT, "title": _TEXT},
    },
    "Landing": {"type": "object", "required": ["links"], "properties": {"title": _TEXT, "description": _TEXT, "links": _LINKS}},
    "Conformance": {
        "type": "object", "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": _TEXT}, "links": _LINKS},
    },
    "Collections": {
        "type": "object", "required": ["links", "collections"],
        "properties": {"links": _LINKS, "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}}},
    },
    "Collection": {
        "type": "object", "required": ["id", "links"],
        "properties": {
            "id": _TEXT, "title": _TEXT, "description": _TEXT, "itemType": _TEXT, "crs": {"type": "array", "items": _TEXT},
            "extent": {"type": "object"}, "links": _LINKS,
        },
    },
    "Point": {
        "type": "object", "required": ["type", "coordinates"],
        "properties": {"type": {"type": "string", "enum": ["Point"]}, "coordinates": {"type": "array", "minItems": 2, "items": {"type": "number"}}},
    },
    "MultiPolygon": {
        "type": "object", "required": ["type", "coordinates"],
        "properties": {"type": {"type": "string", "enum": ["MultiPolygon"]}, "coordinates": {"type": "array", "items": {}}},
    },
    "Problem": {
        "type": "object", "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "instance": _TEXT, "request_id": _TEXT,
            "errors": {"type": "array", "items": {"type": "object", "properties": {"field": _TEXT, "reason": _TEXT}}},
        },
    },
}  # fmt: skip
