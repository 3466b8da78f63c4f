"""What a stranger may send: requests forged from the router, the models of the forms and of the API, and the names that views ask for.

Nothing here knows a route by name, so a new route is attacked from its first day. `Attack.shots` gives requests without end; what is a wrong answer
is said by `fault`.
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
from app.errors import every_kind

LONG = "九" * 5000
TEXTS = (
    "", " ", "0", "-1", "1", "-0", "00", "0" * 5000, "1" + "0" * 30, "9" * 19, str(2**31), str(2**63 - 1), str(2**63), "9" * 5000, "1_000", "１２", "²",
    "1e3", "1e400", "nan", "-inf", "0x10", "1.5", "null", "true", "[]", "{}", "None",
    "0001-01-01", "9999-12-31", "0000-00-00", "2026-02-30", "20261124", "2026-W48-2", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
    "2026-11-26T09:00:00", "2026-11-26T09:00:00+99:99", "0001-01-01T00:00:00+00:00/0001-01-01T01:00:00+00:00",
    "\x00", "a\x00b", "\u202e", "\ufeff", "\U0001f600", "\ud7ff\ue000", LONG, "a" * 9000, "'", '"><script>alert(1)</script>', "%", "%s %(x)s", "{{7*7}}",
    "\\", "../../etc/passwd", "//evil.example/", "https://evil.example/", "/\\evil", "\r\nX-Evil: 1", "=1+1", "';--", "_%", "- ", "-",
    "116.3,39.9,116.2,40", "nan,nan,nan,nan", "-inf,-90,inf,90", "118,27,123,31", "1,2,3", "1,2,3,4,5", "-180,-90,180,90",
    "budget:0", "budget:00000000000000000001" + "9" * 5000, "budget:1", "deadline:0001-01-01", "deadline:9999-12-31", "deadline:-", "type:", "type:不存在", "region:-", "x:y",
    "9:00-8:00", "24:00-25:00", "断口 扫描电镜", "3天内 杭州 5000元以内 0001-01-01 9999年12月31日", "best", "none", "yes", "new", "claim", "application", "accept", "cancel",
    "deliver", "pay_own_part", "pass", "refuse", "check_ok", "approve", "pay", "geojson", "csv", "json", "tiny", "internal", "css/base.css", "aWQ6MQ==", "aWQ6LTE=", "aWQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "====", "é",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *TEXTS, None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**400, 1.5, -0.0, 1e308, float("nan"), float("inf"), [], {}, [[]], [1, "x"], {"a": 1},
    ["service_result"] * 6, [{"kind": "invoice"}], {"voucher_part": -1, "own_part": 2**70}, "\ud800", {"\x00": 1}, [None] * 2000,
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b'"x"', b"12", b"\xff\xfe{}", b"\xed\xa0\x80", b'{"instrument": NaN}', b"[" * 100_000, b'{"a":' * 20_000, b'{"a": 1, "a": 2}', b" " * 1_000_001,
    b'{"instrument": ' + b"9" * 5000 + b"}", b"a=1&a=2&=&%", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\x00\r\n--x--', b"\x00",
)  # fmt: skip
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "", "nonsense", "application/json; charset=utf-99")  # fmt: skip
HEADERS = {
    "Idempotency-Key": ("", "k", "k" * 100, "k" * 101, "键", "\x7f", " "),
    "Accept-Language": ("en", "*", "zz;q=nan", ",;=" * 50, "en;q=1e999"),
    "X-Request-ID": ("", "x" * 5000, "abcdef-123", "<b>"),
    "Authorization": ("Bearer", "Bearer  ", "Basic !!", "Bearer " + "x" * 5000, "Bearer ü", "Digest a=1"),
    "Cookie": ("session=x", "session=.eJx; lang=xx", "lang=\x01", "=;=", "session=" + "A" * 4000),
    "HX-Request": ("true", "x"),
    "If-None-Match": ("*", '"', 'W/"x", "y"'),
    "If-Modified-Since": ("x", "Mon, 99 Foo 0000"),
    "Range": ("bytes=0-", "bytes=9-1", "x"),
    "Accept-Encoding": ("gzip", "br;q=nan", "*"),
    "Host": ("evil.example", "", "a b", "x:99999", "[::1"),
    "X-Forwarded-For": ("1.2.3.4", "x" * 500),
    "X-CSRFToken": ("", "x"),
    "Content-Length": ("-1", "x", "99"),
    "X-HTTP-Method-Override": ("DELETE",),
}
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")


@dataclass(frozen=True)
class Shot:
    """One request as a test client takes it; `told` says it in a line."""

    method: str
    path: str
    data: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> str:
        return f"{self.method} {self.path[:300]} {[(k, v[:80]) for k, v in self.headers]} {(self.data or b'')[:300]!r}"


@dataclass
class Attack:
    """Requests against all routes of `app`: `sound` are values under which a field is fine, `heads` the headers of a person in each role."""

    app: Any
    sound: dict[str, Any]
    heads: dict[str, dict[str, str]]
    random: Random
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.forms = sorted({name for model in _heirs(forms._Form) for name in model.model_fields})
        self.document = self.app.api_doc
        self.routes = [(route, method) for route in self.app.url_map.iter_rules() for method in sorted(route.methods - {"HEAD", "OPTIONS"})]

    def listen(self, monkeypatch: Any) -> None:
        """Note which names of query and form a view asks for, by endpoint."""
        asked = self.asked

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

        monkeypatch.setattr(security.Request, "parameter_storage_class", Noted)

    def shots(self) -> Iterator[Shot]:
        """Give requests round by round, one for each route and method in each."""
        while True:
            for route, method in self.routes:
                yield self.shot(route, method)

    def shot(self, route: Any, method: str) -> Shot:
        """Forge a request for a route: mostly sound, with one to three things wrong."""
        path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda part: self._part(part[1], part[2]), route.rule)
        heads = dict(self.random.choice([{}, *self.heads.values()])) if self._seldom(5) else dict(self._fitting(route.endpoint))
        if method == "POST":
            heads["Idempotency-Key"] = f"key-{self.random.randrange(10**12)}"
        if self._seldom(6):
            name = self.random.choice(list(HEADERS))
            heads[name] = self.random.choice(HEADERS[name])
        query = self._query(route.endpoint) if method == "GET" or self._seldom(8) else ""
        data, kind = self._body(route) if method == "POST" else (None, "")
        if kind:
            heads["Content-Type"] = kind
        sent = self.random.choice(METHODS) if self._seldom(25) else method
        return Shot(sent, path + query, data, tuple((k, v.encode().decode("latin-1")) for k, v in heads.items() if "\n" not in v))

    def _fitting(self, endpoint: str) -> dict[str, str]:
        from app.access import ACCESS

        role = self.random.choice([r for r in ACCESS[endpoint].roles if r in self.heads] or list(self.heads))
        return self.heads[role]

    def _part(self, kind: str | None, name: str) -> str:
        if not self._seldom(4):
            return quote(str(self._sound(name)), safe="")
        found = self.random.choice(TEXTS)
        return quote(found if kind != "int" or self._seldom(3) else self.random.choice(("0", "1", "999999999", str(2**63), "1" * 30, "7" * 4500)), safe="/" if kind == "path" else "")

    def _query(self, endpoint: str) -> str:
        if self._seldom(12):
            return "?" + self.random.choice(("%FF", "%", "&&&=", "a=%00", "x=%ED%A0%80", "?" * 300, "q=\u0000é"))
        names = sorted(self.asked[endpoint] | {one["name"] for one in self._parameters(endpoint)})
        pairs = self._mixed(names, TEXTS)
        return "?" + urlencode([(k, str(v)) for k, v in pairs], errors="surrogatepass") if pairs else ""

    def _parameters(self, endpoint: str) -> list[dict[str, Any]]:
        found = self._operation(endpoint, "get")
        return [one for one in found.get("parameters", []) if one["in"] == "query"]

    def _operation(self, endpoint: str, method: str) -> dict[str, Any]:
        rule = next(iter(self.app.url_map.iter_rules(endpoint))).rule
        found: dict[str, Any] = self.document["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), {}).get(method, {})
        return found

    def _body(self, route: Any) -> tuple[bytes, str]:
        if self._seldom(8):
            return self.random.choice(BODIES), self.random.choice(KINDS)
        operation = self._operation(route.endpoint, "post")
        if operation:
            names = list(_schema(self.document, operation).get("properties", {}))
            made = dict(self._mixed(names, VALUES))
            return json.dumps(made).encode("utf-8", "surrogatepass"), "application/json"
        names = sorted({*self.asked[route.endpoint], *self.forms})
        pairs = [(k, v) for k, v in self._mixed(names, TEXTS)]
        return urlencode(pairs, errors="surrogatepass").encode(), "application/x-www-form-urlencoded"

    def _mixed(self, names: list[str], values: tuple[Any, ...]) -> list[tuple[str, Any]]:
        """Give each name its sound value, and one to three of them another; some are left out and some come twice."""
        if not names:
            return []
        bad = set(self.random.sample(names, min(len(names), self.random.choice((0, 1, 1, 1, 2, 3)))))
        pairs = [(name, self.random.choice(values) if name in bad else self._sound(name)) for name in names]
        pairs = [pair for pair in pairs if pair[1] != "" or pair[0] in bad]
        if self._seldom(6) and pairs:
            pairs.pop(self.random.randrange(len(pairs)))
        return pairs + pairs[:1] if self._seldom(10) else pairs

    def _sound(self, name: str) -> Any:
        found = self.sound.get(name, "")
        found = self.random.choice(found) if isinstance(found, tuple) else found
        return f"{self.random.randrange(10**12):012}" if name == "request_id" else found

    def _seldom(self, n: int) -> bool:
        return self.random.randrange(n) == 0


def fault(shot: Shot, answer: Any) -> str:
    """Say what is wrong with an answer, "" for nothing: it fails, or refuses without a reason or in another shape than the path's."""
    status = answer.status_code
    if status >= 500 and not shot.path.startswith("/readyz"):
        return f"{status}"
    if status < 400 or shot.method == "HEAD":
        return ""
    machine = shot.path.startswith(("/api/", "/map/", "/assets/", "/csp-report", "/tiles/", "/ogc/"))
    if not machine:
        return "" if answer.mimetype == "text/html" and "<h1" in answer.get_data(as_text=True) else f"{status} without a page"
    if answer.mimetype != "application/problem+json":
        return f"{status} as {answer.mimetype}"
    told = json.loads(answer.get_data())
    if told["type"].rpartition("/")[2] not in {kind.slug for kind in every_kind()} or not told["detail"] or told["status"] != status:
        return f"{status} {told}"
    if status == 422 and not all(one["field"] and one["reason"] for one in told.get("errors", [{"field": "", "reason": ""}])):
        return f"422 without a field: {told}"
    return ""


def _note(asked: dict[str, set[str]], key: object) -> None:
    if has_request_context() and request.endpoint and isinstance(key, str) and len(key) < 40:
        asked[request.endpoint].add(key)


def _heirs(model: type) -> set[type]:
    return {heir for one in model.__subclasses__() for heir in (one, *_heirs(one))}


def _schema(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    found = next(iter(content.values()), {}).get("schema", {})
    name = found.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"].get(name, found)
