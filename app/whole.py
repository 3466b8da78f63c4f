"""Nobody sees half a world: while the load of a sample world is not finished, every page but the probes answers 503.

Asked once when the application is put together; only where it was half then, each request looks again.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from app.health import HALF, is_whole
from core.errors import Unavailable

_OPEN: Final = ("health.", "static")


def init_app(app: Flask) -> None:
    """Look whether the world of `app` is whole; a session must be open before this stands in a request's way."""
    app.extensions["half"] = _is_half(app)
    app.before_request(_refuse_half)


def _is_half(app: Flask) -> bool:
    """Say whether a load is unfinished; a database that does not answer is the probes' affair."""
    try:
        with app.extensions["sessions"]() as session:
            return not is_whole(session)
    except SQLAlchemyError:
        return False


def _refuse_half() -> None:
    if not current_app.extensions["half"] or (request.endpoint or "").startswith(_OPEN):
        return
    if not is_whole(g.session):
        raise Unavailable(HALF)
    current_app.extensions["half"] = False
