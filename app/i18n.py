"""Language: Chinese message ids, English catalogue; which one a request gets, and how an error or a reason becomes a sentence.

Catalogues are compiled in memory when they are first used: no build step can be forgotten, and no compiled file goes stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.urls import iri_to_uri

LOCALES: Final = {"zh": "zh_CN", "en": "en"}
"""What `?lang=` may say → the locale of it."""

SIGNS: Final = {"，": ", ", "；": "; ", "：": ": ", "、": ", ", "。": ". ", "（": " (", "）": ")", "　": " · "}
"""Chinese punctuation between two parts of a line → what English writes there."""

_TAGS: Final = {"zh": "zh-Hans", "en": "en"}
_COOKIE: Final = "lang"
_YEAR: Final = 31_536_000  # seconds


class Said(Protocol):
    """A text with its parameters, not yet translated: an error, a reason, a clause."""

    text: str
    params: Any


class _Catalogue(Domain):  # type: ignore[misc]  # flask_babel is untyped
    """The message domain, read from the .po files themselves."""

    def get_translations(self) -> NullTranslations:
        """Return the messages of the current locale."""
        return _spoken(get_locale())


def init_app(app: Flask) -> None:
    """Choose a language for each request of `app` and remember what `?lang=` asked for."""
    babel = Babel(app, default_locale=LOCALES["zh"], default_timezone="Asia/Shanghai", locale_selector=lambda: _parsed(_choose()))
    babel.domain_instance = _Catalogue()
    app.jinja_env.globals.update(translate=translate, switch_url=switch_url, sign=sign)
    app.after_request(_remember)


def language() -> str:
    """Return "zh" or "en", whichever this request is answered in."""
    return "en" if str(get_locale() or "") == "en" else "zh"


def tag() -> str:
    """Return the language of this request as an HTML `lang`: "zh-Hans" or "en"."""
    return _TAGS[language()]


def gettext(text: str, /, **params: Any) -> str:
    """Return the message `text` in the language of this request, its fields filled; typed, unlike Flask-Babel's."""
    found = str(_spoken(get_locale()).ugettext(text))
    return found % params if params else found


def speaker() -> Callable[[str, Mapping[str, Any]], str]:
    """Return what writes a text with its parameters in the language of this request, which is asked for once: for answers of many sentences."""
    spoken = _spoken(get_locale()).ugettext

    def speak(text: str, params: Mapping[str, Any]) -> str:
        found = str(spoken(text))
        return found % params if params else found

    return speak


def translate(said: Said | tuple[str, Mapping[str, Any]] | str) -> str:
    """Return `said` (an error, a reason, or a text with its parameters) as a sentence in the language of this request."""
    if isinstance(said, str):
        return gettext(said)
    text, params = said if isinstance(said, tuple) else (said.text, said.params or {})
    return gettext(text, **params)


def sign(chinese: str) -> str:
    """Return the punctuation mark that joins two parts of a line in the language of this request; a whole sentence is a message instead."""
    return SIGNS[chinese] if language() == "en" else chinese


def listed(parts: Iterable[str], by: str = "、") -> str:
    """Return `parts` in one line, joined by a mark of `SIGNS`; empty ones are left out."""
    return sign(by).join(part for part in parts if part)


def switch_url() -> str:
    """Return the address of this page in the other language, with everything else in the query kept."""
    other = "zh" if language() == "en" else "en"
    pairs = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    return iri_to_uri(request.path if request.method in {"GET", "HEAD"} else "/") + "?" + urlencode([*pairs, ("lang", other)])


def _choose() -> str:
    if not has_request_context():
        return LOCALES["zh"]
    person = g.get("person")
    for wanted in (request.args.get("lang"), request.cookies.get(_COOKIE), person.locale if person else None):
        if wanted in LOCALES:
            return LOCALES[wanted]
    best = request.accept_languages.best_match(["zh-CN", "zh", "zh-Hans", "en"])
    return LOCALES[best[:2]] if best else str(current_app.config["SETTINGS"].locale)


def _remember(response: Response) -> Response:
    wanted = request.args.get("lang")
    if wanted in LOCALES and response.mimetype == "text/html":
        secure = bool(current_app.config["TLS"])
        response.set_cookie(_COOKIE, wanted, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response


@cache
def _parsed(name: str) -> Locale:
    """Read a locale once: Babel looks through all that there are."""
    return Locale.parse(name)


@cache
def _spoken(locale: Locale | None) -> NullTranslations:
    """Return the messages of a locale by the very object, since an answer may hold some hundred sentences."""
    return _messages(str(locale or LOCALES["zh"]))


@cache
def _messages(locale: str) -> NullTranslations:
    source = Path(__file__).parent / "translations" / locale / "LC_MESSAGES" / "messages.po"
    if not source.exists():  # Chinese needs no catalogue: the message ids are Chinese
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return Translations(compiled)
