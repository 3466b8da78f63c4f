"""What a stranger may send: requests forged from the router, from the models of forms and API, and from the names that views ask for.

No route is named here, so a new one is attacked from its first day. `Attack.each` puts every bad text into every field, one at a time; `Attack.mixed`
forges whole requests. What is a wrong answer is said by `fault`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from flask import has_request_context, request
from werkzeug.datastructures import ImmutableMultiDict

from app import forms, security
from app.access import ACCESS
from app.errors import _MACHINE, every_kind

WORST = ("", "0" * 4400, "0000" + "9" * 12, "0" * 19 + "1" + "9" * 4400, "nan", "0001-01-01", "9999-12-31T23:59:59-12:00", "九" * 3000)
"""What each field of each route gets: numbers that only look small or short, the ends of the calendar, text without an end."""

TEXTS = (
    "-1", "²", "1e400", "1_0", "00009", "2026-02-30", "0001-01-01T00:00:00+14:00", "2026-11-26T09:00:00", "0001-01-01T00:00:00+00:00/9999-12-31T00:00:00+00:00",
    "a\x00b", "\U0001f600\u202e", "\ud800", "'\"><script>alert(1)</script>", "%s %(x)s {{7*7}}", "../../etc/passwd", "//evil.example/", "\r\nX-Evil: 1",
    "=1+1", "-", "x:y", "1,2,3,4", "nan,nan,nan,nan", "-180,-90,180,90", "24:00-25:00", "断口 9999年12月31日 0001-01-01 5000000000000000元", "aWQ6LTE=",
    "断口 0000年13月 1/1/1 99999999999999999999天内", "aWQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é===", "none", "best", "new", str(2**63),
    *(f"{kind}:{value}" for kind in ("budget", "deadline", "type", "region", "quantity") for value in ("-", "1", "9999-12-31", "2" * 25, "x")),
)  # fmt: skip
"""What a field drawn by lot gets besides."""

PAPERS = [{"kind": "service_result", "number": "示例", "issued_on": on} for on in ("0001-01-01", "9999-12-31")]
VALUES: tuple[Any, ...] = (
    None, True, -1, 2**63, 10**400, 1.5, float("nan"), float("inf"), [], {}, [[]], {"\x00": 1}, [None] * 2000, PAPERS[:1], PAPERS[1:], PAPERS * 3,
    {"voucher_part": 0, "own_part": 2**62}, {"voucher_part": -1, "own_part": 2**70},
)  # fmt: skip
FIXES = tuple(f"{kind}:{value}" for kind in ("budget", "deadline") for value in WORST)
NUMBERS = ("0", "999999999", str(2**63), "7" * 4400, "-1", "x")
BODIES = (
    b"", b"{", b"[]", b"null", b'"x"', b"12", b"\xff\xfe{}", b"\xed\xa0\x80", b"[" * 100_000, b'{"a":' * 20_000, b'{"a": 1, "a": 2}', b" " * 1_000_001,
    b'{"instrument": ' + b"9" * 5000 + b"}", b"a=1&a=2&=&%", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\x00\r\n--x--', b"\x00", b"a=1&" * 5000,
)  # fmt: skip
MEDIA = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "", "nonsense", "application/json; charset=utf-99")  # fmt: skip
QUERIES = ("%FF", "%", "&&&=", "a=%00", "x=%ED%A0%80", "?" * 300, "q=\x00é", "&".join(["a=1"] * 3000))
HEADERS = {
    "Idempotency-Key": ("", "k" * 101, "键", "\x7f", " "),
    "Accept-Language": ("*", "zz;q=nan", ",;=" * 50, "en;q=1e999"),
    "X-Request-ID": ("x" * 5000, "<b>"),
    "Authorization": ("Bearer", "Basic !!", "Bearer " + "x" * 5000, "Bearer ü", "Digest a=1"),
    "Cookie": ("session=x", "session=.eJx; lang=xx", "lang=\x01", "=;=", "session=" + "A" * 4000),
    "HX-Request": ("true", "x"),
    "If-None-Match": ("*", '"', 'W/"x", "y"'),
    "If-Modified-Since": ("x", "Mon, 99 Foo 0000"),
    "Range": ("bytes=0-", "bytes=9-1", "x"),
    "Accept-Encoding": ("gzip", "br;q=nan", "*"),
    "Host": ("evil.example", "", "a b", "x:99999", "[::1"),
    "X-CSRFToken": ("", "x"),
    "Content-Length": ("-1", "x", "99"),
    "X-HTTP-Method-Override": ("DELETE",),
}
METHODS = ("POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE")


@dataclass(frozen=True)
class Shot:
    """One request as a test client sends it."""

    method: str
    path: str
    data: bytes | None
    headers: dict[str, str]

    def sent(self, web: Any) -> Any:
        """Send it and give the answer."""
        heads = [(name, value.encode().decode("latin-1")) for name, value in self.headers.items()]
        return web.open(self.path, method=self.method, data=self.data, headers=heads)

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]} { ({**self.headers, 'Authorization': '…'}) } {(self.data or b'')[:200]!r}"


@dataclass
class Attack:
    """Requests against all routes of `app`.

    `sound`: values with which a field is fine; `cases`: further ones that belong together, with the `role` that may send them; `heads`: the headers
    of a person in each role.
    """

    app: Any
    sound: dict[str, Any]
    cases: tuple[dict[str, Any], ...]
    heads: dict[str, dict[str, str]]
    random: Random = field(default_factory=lambda: Random(20261124))
    asked: dict[tuple[str | None, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def routes(self) -> list[tuple[Any, str, dict[str, Any]]]:
        """Give every route with every method and every case that fits it."""
        return [
            (route, method, case)
            for route in self.app.url_map.iter_rules()
            for method in sorted(route.methods - {"HEAD", "OPTIONS"})
            for case in self._fitting(route, method) or [{}]
        ]

    def plain(self) -> Iterator[Shot]:
        """Give one sound request a route, which also tells what the route asks for."""
        for route, method, case in self.routes():
            yield self._shot(route, method, case)

    def each(self) -> Iterator[Shot]:
        """Give a request for every route, field and bad value; everything else in it is sound."""
        for route, method, case in self.routes():
            for name in sorted(route.arguments):
                for part in NUMBERS if isinstance(self.sound.get(name, 1), int) else WORST:
                    yield self._shot(route, method, case, parts={name: part})
            values = WORST + (VALUES if method == "POST" and self._operation(route, "post") else ())
            for name in self._names(route, method):
                for value in FIXES if name == "fix" else values:
                    yield self._shot(route, method, case, values={name: value})

    def mixed(self) -> Iterator[Shot]:
        """Give requests without end that are broken as a whole: body, media type, query, headers, method, or somebody else's role."""
        routes = self.routes()
        while True:
            route, method, case = self.random.choice(routes)
            one, name = self.random.choice(self._names(route, method) or ["x"]), self.random.choice(list(HEADERS))
            shot = self._shot(route, method, case)
            yield self.random.choice((
                self._shot(route, method, case, values={one: self.random.choice(TEXTS)}),
                Shot(shot.method, shot.path, shot.data, {**shot.headers, name: self.random.choice(HEADERS[name])}),
                Shot(shot.method, shot.path.partition("?")[0] + "?" + self.random.choice(QUERIES), shot.data, shot.headers),
                Shot(self.random.choice(METHODS), shot.path, shot.data, shot.headers),
                Shot("POST", shot.path, self.random.choice(BODIES), {**shot.headers, "Content-Type": self.random.choice(MEDIA)}),
                Shot(shot.method, shot.path, shot.data, {**shot.headers, "Authorization": ""} | self.random.choice(list(self.heads.values()))),
            ))  # fmt: skip

    def listen(self, monkeypatch: Any) -> None:
        """Note which names of query and form each endpoint asks for, and which form it reads."""
        asked, read = self.asked, forms.read

        class Noted(ImmutableMultiDict):
            def __getitem__(self, key: str) -> Any:
                _note(asked, key)
                return super().__getitem__(key)

            def getlist(self, key: str, type: Any = None) -> list:  # noqa: A002 (werkzeug's own name)
                _note(asked, key)
                return super().getlist(key, type)

            def __contains__(self, key: object) -> bool:
                _note(asked, key)
                return super().__contains__(key)

        def noted(model: Any, form: Any) -> Any:
            asked[request.endpoint, request.method] |= model.model_fields.keys()
            return read(model, form)

        monkeypatch.setattr(security.Request, "parameter_storage_class", Noted)
        monkeypatch.setattr(forms, "read", noted)

    def _fitting(self, route: Any, method: str) -> list[dict[str, Any]]:
        found = [one for one in self.cases if route.arguments and route.arguments <= one.keys()]
        return found if method == "POST" else found[-1:]

    def _names(self, route: Any, method: str) -> list[str]:
        """Return the fields of query or body that a route knows."""
        operation = self._operation(route, method.lower())
        if method == "POST" and operation:
            return list(self._schema(operation).get("properties", {}))
        documented = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        return sorted((self.asked[route.endpoint, method] | documented) - {"csrf_token"})

    def _shot(
        self, route: Any, method: str, case: dict[str, Any], *, values: dict[str, Any] | None = None, parts: dict[str, str] | None = None
    ) -> Shot:
        sound = {**self.sound, **case}
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: (parts or {}).get(found[1]) or quote(str(sound.get(found[1], "x")), safe="/"), route.rule)
        heads = {**self._head(route, case), "Idempotency-Key": f"key-{self.random.randrange(10**12)}"}
        pairs = {name: sound[name] for name in self._names(route, method) if sound.get(name, "") != ""} | (values or {})
        if "request_id" in pairs and "request_id" not in (values or {}):
            pairs["request_id"] = f"{self.random.randrange(10**12):012}"
        path = quote(path, safe="/%", errors="surrogatepass")
        if method == "POST" and self._operation(route, "post"):
            return Shot(method, path, json.dumps(pairs).encode(), {**heads, "Content-Type": "application/json"})
        form = urlencode({name: str(value) for name, value in pairs.items()}, errors="surrogatepass")
        if method == "POST":
            return Shot(method, path, form.encode(), {**heads, "Content-Type": "application/x-www-form-urlencoded"})
        return Shot(method, f"{path}?{form}" if form else path, None, heads)

    def _head(self, route: Any, case: dict[str, Any]) -> dict[str, str]:
        fitting = [role for role in ACCESS[route.endpoint].roles if role in self.heads]
        role = case["role"] if case.get("role") in fitting else self.random.choice(fitting or list(self.heads))
        return self.heads[role]

    def _operation(self, route: Any, method: str) -> dict[str, Any]:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule)
        found: dict[str, Any] = self.app.api_doc["paths"].get(path, {}).get(method, {})
        return found

    def _schema(self, operation: dict[str, Any]) -> dict[str, Any]:
        content = operation.get("requestBody", {}).get("content", {})
        found: dict[str, Any] = next(iter(content.values()), {}).get("schema", {})
        name = found.get("$ref", "").rpartition("/")[2]
        schemas: dict[str, dict[str, Any]] = self.app.api_doc["components"]["schemas"]
        return schemas.get(name, found)


def fault(shot: Shot, answer: Any) -> str:
    """Say what is wrong with an answer, "" for nothing: it fails, or refuses without a reason, or in a shape that does not go with the path."""
    status, path = answer.status_code, shot.path.partition("?")[0]
    if status >= 500 and path != "/readyz":
        return str(status)
    if status < 400 or shot.method == "HEAD":
        return ""
    if not path.startswith(_MACHINE):
        return "" if answer.mimetype == "text/html" and "<h1" in answer.get_data(as_text=True) else f"{status} without a page"
    if answer.mimetype != "application/problem+json":
        return f"{status} as {answer.mimetype}"
    told = json.loads(answer.get_data())
    if told["type"].rpartition("/")[2] not in {kind.slug for kind in every_kind()} or not told["detail"] or told["status"] != status:
        return f"{status} {told}"
    nameless = status == 422 and not all(one["field"] and one["reason"] for one in told.get("errors", [{"field": "", "reason": ""}]))
    return f"422 without a field: {told}" if nameless else ""


def _note(asked: dict[tuple[str | None, str], set[str]], key: object) -> None:
    if has_request_context() and request.endpoint and isinstance(key, str) and len(key) < 40:
        asked[request.endpoint, request.method].add(key)
