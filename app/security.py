"""What every response carries to keep browsers honest, and the door where unusable text is turned away.

The policy allows scripts and styles from our own address or with the nonce of this response, nothing inline, nothing from elsewhere.
Who may call what is left to `app.access`.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from flask import Request as FlaskRequest
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Malformed
from core.errors import N_, Forbidden

bp = Blueprint("security", __name__)
csrf = CSRFProtect()

MAX_BODY: Final = 1_000_000  # bytes of one request
FILES: Final = frozenset({"uploads.upload"})
"""Endpoints that take a file, up to the setting IMPORT_MB; their form is read once it is known who sends it."""

EVIDENCE: Final = frozenset({"organisation.revise", "organisation.add_files", "enterprise.order_event", "enterprise.apply", "api.hand_in_file"})
"""Endpoints that take files of evidence, each up to the setting EVIDENCE_MB; their form is read once it is known who sends it, too."""

ALIKE: Final = ("map.base", "map.waters", "api.openapi", "tiles.tile")
"""Endpoints whose answers depend neither on who asks nor on the language."""

_FRAME: Final = 100_000  # what a form adds to the file in it
_TOGETHER: Final = 4  # files of evidence in one form
_MAX_REPORT: Final = 8_000
_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")  # what PostgreSQL cannot store: NUL, and halves of a surrogate pair
_FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Request(FlaskRequest):
    """A request whose query can always be read, and whose JSON holds no text that cannot be stored."""

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        self.query_string = re.sub(rb"[^\x21-\x7e]", lambda byte: b"%%%02X" % byte[0][0], self.query_string)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body read from JSON; raise `Malformed` when it nests too deep or holds unusable text."""
        try:
            found = super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            raise Malformed(N_("请求体嵌套得太深。")) from None
        if any(_UNUSABLE.search(text) for text in _texts(found)):
            raise Malformed(_NO_TEXT)
        return found


class Sessions(SecureCookieSessionInterface):
    """Sessions in signed cookies, of which answers that are alike for everybody do not say that they vary with them."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie; let caches keep what lies under everybody's map, whoever logs in or out meanwhile."""
        super().save_session(app, session, response)
        if request.endpoint in ALIKE and response.cache_control.public and "Set-Cookie" not in response.headers:
            response.vary.discard("cookie")  # in small letters: HeaderSet compares it so


def init_app(app: Flask) -> None:
    """Guard the door of `app` and put the headers on every response."""
    app.session_interface = Sessions()
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        SESSION_COOKIE_NAME="__Host-session" if app.config["TLS"] else "session",
        SESSION_COOKIE_SECURE=app.config["TLS"],
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_CHECK_DEFAULT=False,  # `check_csrf` decides: calls with a bearer token carry no cookie that a stranger could borrow
        WTF_CSRF_TIME_LIMIT=None,  # the token lives and dies with the session; a long form must not be lost after an hour
    )
    csrf.init_app(app)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.before_request(check_text)
    app.after_request(protect)


def csp_nonce() -> str:
    """Return the nonce of this response; inline `<script>` and `<style>` need it."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def check_text() -> None:
    """Turn away path, query and form text that no column could hold; raises `Malformed`."""
    _check(request.path, *request.args.keys(), *(value for values in request.args.listvalues() for value in values))
    if request.endpoint in FILES:
        request.max_content_length = current_app.config["SETTINGS"].import_mb * 1_000_000 + _FRAME
    elif request.endpoint in EVIDENCE:
        request.max_content_length = current_app.config["SETTINGS"].evidence_mb * 1_000_000 * _TOGETHER + _FRAME
    else:
        check_form()


def check_form() -> None:
    """Turn away text of a form that no column could hold; raises `Malformed`."""
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        _check(*request.form.keys(), *(value for values in request.form.listvalues() for value in values))


def _check(*texts: str) -> None:
    if any(_UNUSABLE.search(text) for text in texts):
        raise Malformed(_NO_TEXT)


def check_csrf() -> None:
    """Refuse a write that a stranger's page may have sent: every write needs the session's token, unless it came with a bearer token."""
    if request.endpoint in EVIDENCE:
        check_form()
    if g.bearer or request.endpoint in {None, "security.csp_report"}:
        return
    try:
        csrf.protect()
    except CSRFError:
        raise Forbidden(N_("这个页面开得太久，或者不是从我们这里打开的。请刷新页面再提交。")) from None


def protect(response: Response) -> Response:
    """Put the policy and its companions on `response`; pages of logged-in people are not stored anywhere."""
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _policy())
    if current_app.config["TLS"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if g.get("person") else "private, no-cache"
    response.vary.update(["Cookie", "Accept-Language"] if response.mimetype == "text/html" else [])
    return response


def _policy() -> str:
    tiles = " https://*.tianditu.gov.cn" if current_app.config["TIANDITU"] else ""
    nonce = f" 'nonce-{csp_nonce()}'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{nonce}",
            f"style-src 'self'{nonce}",
            f"img-src 'self' data:{tiles}",
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "report-uri /csp-report",
        )
    )


def _texts(value: Any) -> list[str]:
    """Return all text in a JSON value, keys too; by a list of what is left, since a hostile body nests deep."""
    found: list[str] = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            left += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            left += item
    return found


@bp.post("/csp-report")
def csp_report() -> tuple[str, int]:
    """Log what a browser blocked: directive and blocked address without its query; nothing is stored."""
    if (request.content_length or 0) > _MAX_REPORT:
        raise RequestEntityTooLarge
    body = request.get_json(force=True, silent=True)
    report = body.get("csp-report", body) if isinstance(body, dict) else {}
    seen = {key: str(report.get(key, ""))[:200].split("?")[0] for key in ("effective-directive", "blocked-uri", "document-uri")}
    structlog.get_logger().warning("csp", request_id=g.request_id, **{key.replace("-", "_"): value for key, value in seen.items()})
    return "", 204


_NO_TEXT: Final = N_("请求里有不能用的字符，例如空字符。请删掉后再试。")
