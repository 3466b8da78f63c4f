"""Error → status, in one table. HTML pages get `error.html`, machines get RFC 9457 problem details; nobody gets a stack trace.

Domain code raises `core.errors`; the few errors that only the edge knows are defined here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.api.problem import MEDIA_TYPE, FieldError, Problem
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused, RequestReused, Unavailable

_MACHINE: Final = ("/api/", "/map/", "/tiles/", "/ogc/", "/assets/", "/csp-report")
_DEFAULTS: Final = (N_("出错了。"), N_("没有找到，或者不归你看。"))
"""Default texts that are docstrings in `core.errors`, where no extractor sees them."""


class Malformed(MapError):
    """The request itself cannot be read: wrong types, unusable characters, no JSON. `fields` names what."""

    def __init__(self, text: str, /, *, fields: tuple[FieldError, ...] = (), **params: Any) -> None:
        self.fields = fields
        super().__init__(text, **params)


class LogInNeeded(MapError):
    """Nobody is logged in, and this needs somebody."""


class Throttled(MapError):
    """Too many attempts; `retry_after` in seconds."""

    def __init__(self, text: str, /, *, retry_after: int, **params: Any) -> None:
        self.retry_after = retry_after
        super().__init__(text, **params)


class Busy(Unavailable):
    """Nothing was changed, and the same request may work after `retry_after` seconds."""

    def __init__(self, text: str, /, *, retry_after: int, **params: Any) -> None:
        self.retry_after = retry_after
        super().__init__(text, **params)


@dataclass(frozen=True)
class Kind:
    """What an error is called outside: `slug` makes the stable type `/problems/<slug>`, `title` is a message id."""

    slug: str
    status: int
    title: str


def is_machine() -> bool:
    """Say whether the caller of this request is a program that reads JSON, by the path it asked for."""
    return request.path.startswith(_MACHINE)


def kind_of(error: MapError) -> Kind:
    """Return the first line of `KINDS` that fits."""
    return next(kind for cls, kind in KINDS if isinstance(error, cls))


def every_kind() -> tuple[Kind, ...]:
    """Return all kinds of problems that may come out, each slug once, by status."""
    kinds = {kind.slug: kind for kind in (_INTERNAL, *_HTTP, *(kind for _, kind in KINDS))}
    return tuple(sorted(kinds.values(), key=lambda kind: (kind.status, kind.slug)))


def note_step(error: MapError | None) -> None:
    """Log an event that came in a state that has no arrow for it: which paper, event and state, by which role, and nothing about a person."""
    if isinstance(error, Refused) and error.clause == "state":
        facts = {name: error.params.get(name) for name in ("subject", "state", "role")}
        structlog.get_logger().warning("step refused", request_id=g.get("request_id"), step=error.params.get("event"), **facts)


def malformed(error: ValidationError) -> Response:
    """Raise `Malformed` with one field error for each complaint of pydantic; flask-openapi3 calls this for every bad parameter."""
    from app.i18n import translate

    fields = tuple(
        FieldError(field=".".join(map(str, e["loc"])) or "body", reason=translate((_REASONS.get(e["type"], _UNUSABLE), _params(e.get("ctx", {})))))
        for e in error.errors(include_url=False, include_input=False)
    )
    raise Malformed(N_("请求里有看不懂的内容，逐项原因见 errors。"), fields=fields)


def _params(found: dict[str, Any]) -> dict[str, Any]:
    """Return what a complaint of pydantic tells, its list of choices without the English word between the last two."""
    return {**found, "expected": str(found["expected"]).replace("'", "").replace(" or ", ", ")} if "expected" in found else found


def init_app(app: Flask) -> None:
    """Answer every error of `app` from the table `KINDS`."""
    app.register_error_handler(MapError, _known)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)


def _known(error: MapError) -> Response:
    from app.i18n import translate

    kind = kind_of(error)
    note_step(error)
    more: dict[str, Any] = {}
    if isinstance(error, Malformed) and error.fields:
        more["errors"] = list(error.fields)
    if isinstance(error, Invalid):
        more["errors"] = [FieldError(field=error.field, reason=translate(error))]
    if isinstance(error, Refused):
        more["clause"] = error.clause
    response = _answer(kind, translate(error), error=error, **more)
    if isinstance(error, LogInNeeded):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Throttled | Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _database(error: SQLAlchemyError) -> Response:
    from app.db import meaning

    found = meaning(error)
    if found is None:
        return _unknown(error)
    cause = getattr(error, "orig", None)  # its text repeats values of the row; state and constraint do not
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    facts = {"kind": type(error).__name__, "sqlstate": getattr(cause, "sqlstate", None), "constraint": constraint}
    structlog.get_logger().warning("database", request_id=g.request_id, **facts)
    return _known(found)


def _http(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    kind = next((kind for kind in _HTTP if kind.status == error.code), _HTTP[0] if error.code < 500 else _INTERNAL)
    from app.i18n import gettext

    detail = gettext(_HTTP_DETAIL.get(error.code, kind.title), most=(request.max_content_length or 0) // 1_000_000)
    response = _answer(Kind(kind.slug, error.code, kind.title), detail)
    response.headers.extend([(name, value) for name, value in error.get_headers() if name.lower() not in {"content-type", "content-length"}])
    return response


def _unknown(error: Exception) -> Response:
    from app.i18n import gettext

    structlog.get_logger().error("failed", request_id=g.request_id, exc_info=error)
    return _answer(_INTERNAL, gettext(N_("我们这边出错了，这次什么都没有保存。请把编号 %(id)s 告诉我们。"), id=g.request_id))


def _answer(kind: Kind, detail: str, *, error: MapError | None = None, **more: Any) -> Response:
    """Roll back and write the answer, as a problem for machines and as a page for people."""
    from app.i18n import gettext

    with suppress(SQLAlchemyError, AttributeError):  # no session yet, or its connection is gone: then there is nothing to roll back
        g.session.rollback()
    told = Problem(
        type=f"/problems/{kind.slug}",
        title=gettext(kind.title),
        status=kind.status,
        detail=detail,
        instance=request.path,
        request_id=g.request_id,
        **more,
    )
    if is_machine():
        return Response(told.model_dump_json(exclude_none=True), kind.status, mimetype=MEDIA_TYPE)
    page = "denied.html" if isinstance(error, Forbidden) else "error.html"
    said = {"code": told.status, "title": told.title, "message": told.detail, "request_id": told.request_id, "rule": getattr(error, "rule", None)}
    return make_response(render_template(page, **said), kind.status)


KINDS: Final[tuple[tuple[type[MapError], Kind], ...]] = (
    (Malformed, Kind("malformed", 400, N_("请求看不懂"))),
    (Invalid, Kind("invalid", 422, N_("有一项填得不能用"))),
    (LogInNeeded, Kind("login-needed", 401, N_("要先登录"))),
    (Forbidden, Kind("forbidden", 403, N_("这一步由别的岗位办"))),
    (NotFound, Kind("not-found", 404, N_("没有找到"))),
    (RequestReused, Kind("request-reused", 409, N_("请求编号用过了"))),
    (Refused, Kind("refused", 409, N_("按规则不能办"))),
    (Throttled, Kind("too-many-attempts", 429, N_("试得太密"))),
    (Busy, Kind("busy", 503, N_("现在办不了"))),
    (Unavailable, Kind("unavailable", 503, N_("现在办不了"))),
    (MapError, Kind("error", 400, N_("出错了"))),
)
"""The one table: the first class that fits decides."""

_HTTP: Final = (
    Kind("malformed", 400, N_("请求看不懂")),
    Kind("not-found", 404, N_("没有找到")),
    Kind("method-not-allowed", 405, N_("这个地址不接受这种请求")),
    Kind("too-large", 413, N_("发来的内容太大")),
    Kind("media-type", 415, N_("内容的格式不对")),
)
_INTERNAL: Final = Kind("internal", 500, N_("我们这边出错了"))
_HTTP_DETAIL: Final = {
    400: N_("请求看不懂。请检查地址和填写的内容。"),
    404: N_("没有这个页面，或者它已经搬走了。请从首页重新找。"),
    405: N_("这个地址不接受这种请求方法，可用的方法见 Allow。"),
    413: N_("发来的内容超过 %(most)s MB。请分成几次。"),
    415: N_("请用 Content-Type: application/json 发送 JSON。"),
}
_UNUSABLE: Final = N_("这个值不能用。")
_REASONS: Final = {
    "missing": N_("缺少这一项。"),
    "extra_forbidden": N_("没有这一项。"),
    "model_type": N_("请求体要是 JSON 对象，Content-Type 要是 application/json。"),
    "model_attributes_type": N_("请求体要是 JSON 对象，Content-Type 要是 application/json。"),
    "int_parsing": N_("要是整数。"),
    "int_parsing_size": N_("这个整数太大。"),
    "int_from_float": N_("要是整数。"),
    "int_type": N_("要是整数。"),
    "float_parsing": N_("要是数字。"),
    "float_type": N_("要是数字。"),
    "finite_number": N_("要是有限的数字。"),
    "string_type": N_("要是文字。"),
    "string_too_long": N_("最多 %(max_length)s 个字。"),
    "string_too_short": N_("最少 %(min_length)s 个字。"),
    "string_pattern_mismatch": N_("格式不对。"),
    "greater_than_equal": N_("不能小于 %(ge)s。"),
    "greater_than": N_("要大于 %(gt)s。"),
    "less_than_equal": N_("不能大于 %(le)s。"),
    "less_than": N_("要小于 %(lt)s。"),
    "literal_error": N_("只能是：%(expected)s。"),
    "datetime_from_date_parsing": N_("要是带时区的时间，例如 2026-11-26T09:00:00+08:00。"),
    "datetime_parsing": N_("要是带时区的时间，例如 2026-11-26T09:00:00+08:00。"),
    "timezone_aware": N_("要是带时区的时间，例如 2026-11-26T09:00:00+08:00。"),
}
