"""The shape of an error under `/api`: RFC 9457 problem details, and the responses that every operation may give, for OpenAPI."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

MEDIA_TYPE: Final = "application/problem+json"


class FieldError(BaseModel):
    """One field that cannot be used, and why."""

    field: str
    reason: str


class Problem(BaseModel):
    """RFC 9457 problem details. `type` is stable; `detail` is for people, in the language of the request."""

    type: str = Field(examples=["/problems/refused"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    request_id: str = Field(description="quote it when you ask for help")
    clause: str | None = Field(None, description="rule that refused")
    errors: list[FieldError] | None = None


def _response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


RESPONSES: Final[dict[int | str, Any]] = {
    400: _response("malformed request"),
    401: _response("no valid bearer token or session"),
    403: _response("not for this role"),
    404: _response("not found, or not yours"),
    409: _response("refused by a rule; nothing was changed"),
    422: _response("a field cannot be used"),
    429: _response("too many attempts"),
    503: _response("not available now; see Retry-After"),
}
