"""One line of JSON a request on standard output: which route, what came of it, how long, which user in which role.

No personal data: no names, no addresses, no paths with values, no query strings (a position on the map is personal). Line breaks in a
value are escaped by JSON, so nobody writes a line of their own.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

import structlog
from flask import Flask, Response, g, request
from structlog.typing import EventDict

HEADER: Final = "X-Request-ID"
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_ROW: Final = re.compile(r"\nDETAIL:.*")
_SANE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


def init_app(app: Flask) -> None:
    """Log every request of `app`, under an id that is also its `X-Request-ID`. Call it before the others: its line is written last."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_rows,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(app.config["SETTINGS"].log_level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    app.before_request(_begin)
    app.after_request(_write)


def _without_rows(_logger: object, _level: str, line: EventDict) -> EventDict:
    """Take the lines out of a trace in which PostgreSQL repeats the values of a row: "DETAIL:  Failing row contains (…)"."""
    if "exception" in line:
        line["exception"] = _ROW.sub("", line["exception"])
    return line


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SANE.fullmatch(given) else secrets.token_hex(8)
    g.began = time.perf_counter()


def _write(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    actor = g.get("actor")
    structlog.get_logger().info(
        "request",
        request_id=g.request_id,
        method=request.method if request.method in _METHODS else "?",
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round((time.perf_counter() - g.began) * 1000, 1),
        user=actor.user_id if actor else None,
        role=actor.role if actor else None,
    )
    return response
