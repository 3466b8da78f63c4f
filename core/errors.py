"""The one tree of errors. The edge maps each class to a status code in one table; domain code only raises.

A text is a Chinese message id with ``%(name)s`` fields. It is translated where it is shown, never where it is raised.
"""

from __future__ import annotations

from typing import Any


def N_(text: str) -> str:  # noqa: N802 (gettext's own name for "mark, do not translate yet")
    """Mark `text` as a message id and return it unchanged."""
    return text


class MapError(Exception):
    """出错了。"""

    def __init__(self, text: str = "", /, **params: Any) -> None:
        self.text = text or N_(type(self).__doc__ or "")
        self.params = params
        super().__init__(self.text % params if params else self.text)


class Invalid(MapError):
    """One field of what a person gave cannot be used: names the field, the reason and a way out."""

    def __init__(self, field: str, text: str, /, **params: Any) -> None:
        self.field = field
        super().__init__(text, **params)


class Refused(MapError):
    """A rule says no: `clause` names the rule; nothing was changed. `text` says why and what would work."""

    def __init__(self, clause: str, text: str, /, **params: Any) -> None:
        self.clause = clause
        super().__init__(text, **params)


class RequestReused(Refused):
    """The same request id came with another content."""

    def __init__(self) -> None:
        super().__init__("request_id", N_("这个请求编号已经用在另一笔操作上。请刷新页面再试。"))


class NotFound(MapError):
    """没有找到，或者不归你看。"""


class Forbidden(MapError):
    """The actor may not do this; the text says who may."""


class Unavailable(MapError):
    """Something that we need is not there: the text says what, and what to do."""
