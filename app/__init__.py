"""The web application: the only package that knows Flask. `create_app` makes one; how it is put together stands in `app.wiring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from app.config import Settings
    from app.wiring import Application


def create_app(settings: Settings | None = None, *, engine: Engine | Connection | None = None) -> Application:
    """Return the application for `settings` (default: from the environment) on `engine` (default: opened from the settings).

    What it is made of is imported here and not with the package, since commands and migrations import the package too and start faster
    without. Raises RuntimeError when a route has no line in the access table.
    """
    from app.config import Settings
    from app.wiring import build

    return build(settings or Settings.from_env(), engine=engine)
