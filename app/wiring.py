"""How the application is put together; the tuples at the end say of what.

Order is meaning: the log is begun first and written last, a session is open before anybody is recognised, and nobody passes the
access table unrecognised.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, g
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Connection, Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from app import access, api, assets, cli, db, errors, filters, frame, i18n, logs, noting, ogc, security, whole
from app.api import applications as applications_api
from app.api import audit as audit_api
from app.api import budgets as budgets_api
from app.api import demand as demand_api
from app.api import docs, items, match, me, orders, places, settlements, vouchers
from app.api import files as files_api
from app.api import joining as joining_api
from app.api import notices as notices_api
from app.api import policies as policies_api
from app.api import posted as posted_api
from app.api.problem import Problem
from app.config import Settings
from app.views import (
    admission,
    auth,
    brokered,
    budgets,
    bureau,
    campaigns,
    carrier,
    cases,
    demand,
    earnings,
    enterprise,
    files,
    finance,
    health,
    jobs,
    joining,
    learning,
    lexicon,
    organisation,
    payee,
    picking,
    planner,
    policies,
    posted,
    problems,
    public,
    saved,
    tiles,
    uploads,
)
from app.views import audit as audit_views
from app.views import compare as compare_views
from app.views import map as map_views
from core.db import make_engine
from matching import embedding


class Application(OpenAPI):
    """Flask with OpenAPI; the transaction of a request ends inside its dispatch, so that an error of COMMIT is answered as an error."""

    request_class = security.Request

    def dispatch_request(self) -> Response:
        """Run the view, then commit."""
        return db.finish(self.make_response(super().dispatch_request()))

    def log_exception(self, exc_info: Any) -> None:
        """Write an error that escaped all handlers to our own log."""
        structlog.get_logger().error("escaped", request_id=g.get("request_id"), exc_info=exc_info)


def build(settings: Settings, *, engine: Engine | Connection | None = None) -> Application:
    """Return the application for `settings` on `engine` (default: opened from the settings; a Connection joins its transaction).

    Raises RuntimeError when a route has no line in the access table.
    """
    app = Application(
        __name__,
        info=Info(
            title="Innovation resource map", version="1.0.0", description="Money: fen. Time: ISO 8601 with offset. Coordinates: WGS84 lon, lat."
        ),
        security_schemes=api.SECURITY,
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=errors.malformed,
        doc_ui=False,
        static_folder=None,
    )
    if settings.embedding:
        embedding.switch_on(settings.data_dir / "embedding")
    app.config.update(SETTINGS=settings, SECRET_KEY=settings.secret_key, TLS=settings.tls, TIANDITU=bool(settings.tianditu_key))
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if settings.tls:  # then a proxy stands in front: it ends TLS and says who called
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    _assemble(app, engine if engine is not None else make_engine(settings.database_url, hide_parameters=True, **CONNECTIONS))
    return app


def _assemble(app: Application, engine: Engine | Connection) -> None:
    logs.init_app(app)
    db.init_app(app, engine)
    whole.init_app(app)
    security.init_app(app)
    i18n.init_app(app)
    assets.init_app(app)
    access.init_app(app)
    errors.init_app(app)
    filters.init_app(app)
    frame.init_app(app)
    noting.init_app(app)
    for pages in dict.fromkeys(view.bp for view in VIEWS):
        app.register_blueprint(pages)
    for blueprint in dict.fromkeys(module.bp for module in APIS):
        app.register_api(blueprint)
    cli.register(app)
    access.require_complete(app)


CONNECTIONS: dict[str, Any] = {"connect_args": {"connect_timeout": 5}, "pool_size": 12, "max_overflow": 4, "pool_use_lifo": True}
"""A connection for each thread of a web worker, kept open: one opened for a single request costs more than the request. The one that was given
back last is taken first: what few requests at a time ask is planned on few connections."""

VIEWS = (
    health,
    security,
    problems,
    auth,
    public,
    audit_views,
    compare_views,
    map_views,
    tiles,
    ogc,
    enterprise,
    carrier,
    earnings,
    uploads,
    files,
    jobs,
    bureau,
    cases,
    finance,
    budgets,
    payee,
    policies,
    planner,
    demand,
    learning,
    saved,
    campaigns,
    lexicon,
    joining,
    organisation,
    admission,
    posted,
    picking,
    brokered,
)
"""Modules with pages; each exports a blueprint `bp`."""

APIS = (
    docs,
    audit_api,
    me,
    match,
    demand_api,
    items,
    places,
    orders,
    settlements,
    files_api,
    vouchers,
    applications_api,
    budgets_api,
    joining_api,
    notices_api,
    policies_api,
    posted_api,
)
"""Modules with operations of `/api/v1`; most share the blueprint `app.api.bp`."""
