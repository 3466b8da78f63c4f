"""The API's own description: OpenAPI 3.1 generated from the code, and a page of ours drawn from that document.

No viewer is bundled: the page is plain HTML under the same policy as every other.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import current_app, render_template

from app.api import bp
from app.errors import every_kind

_METHODS: Final = ("get", "post", "put", "patch", "delete")


@bp.get("/openapi.json", doc_ui=False)
def openapi() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Answer the OpenAPI document of all of `/api/v1`."""
    return document(), 200, {"Cache-Control": "public, max-age=300"}


@bp.get("/docs", doc_ui=False)
def docs() -> str:
    """Show the same document as a page."""
    found = document()
    schemas = [
        {"name": name, "fields": _fields(schema), "text": schema.get("description", "")}
        for name, schema in sorted(found["components"]["schemas"].items())
    ]
    return render_template("api_docs.html", operations=_operations(found), schemas=schemas, kinds=every_kind())


def document() -> dict[str, Any]:
    """Return the OpenAPI document as flask-openapi3 makes it from the operations and their models."""
    found: dict[str, Any] = current_app.api_doc  # type: ignore[attr-defined]
    return found


def _operations(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": re.sub(r"\W+", "-", f"{method}{path}").strip("-"),
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "text": operation.get("description", ""),
            "signed": bool(operation.get("security")),
            "parameters": [_parameter(one) for one in operation.get("parameters", [])],
            "body": _kind((next(iter(operation["requestBody"]["content"].values()))).get("schema", {})) if "requestBody" in operation else "",
            "answers": [(code, _answer(one)) for code, one in sorted(operation["responses"].items())],
        }
        for path, item in sorted(found["paths"].items())
        for method in _METHODS
        if (operation := item.get(method))
    ]


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "in": one["in"],
        "required": one.get("required", False),
        "kind": _kind(one.get("schema", {})),
        "text": one.get("description", ""),
    }


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "kind": _kind(one), "required": name in required, "text": one.get("description", "")}
        for name, one in schema.get("properties", {}).items()
    ]


def _answer(response: dict[str, Any]) -> str:
    kinds = [_kind(one.get("schema", {})) for one in response.get("content", {}).values()]
    return ", ".join(dict.fromkeys(kinds)) or response.get("description", "")


def _kind(schema: dict[str, Any]) -> str:
    """Return a schema in a few words: the name of a model, a type, a list of it, one of several."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items') or {})}[]"
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "any")
