"""What commands share: a session whose troubles end a command with a sentence, and the check of an adcode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import meaning, new_session
from app.i18n import translate
from core.errors import N_, MapError, Unavailable

_NO_TABLE = "42P01"


@contextmanager
def opened() -> Iterator[Session]:
    """Yield a session on the application's database; nothing is committed here.

    A `MapError` and what the database refuses become `click.ClickException` (exit code 1); a mistake of ours stays what it is.
    """
    with new_session(current_app) as session:
        try:
            yield session
        except MapError as no:
            raise click.ClickException(translate(no)) from no
        except SQLAlchemyError as error:
            found = _meaning(error)
            if found is None:
                raise
            raise click.ClickException(translate(found)) from error


def adcode(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return an adcode as it was given; `click.BadParameter` (exit code 2) unless it has six digits."""
    if value is not None and not re.fullmatch(r"\d{6}", value, re.ASCII):
        raise click.BadParameter(translate(N_("行政区代码要写成六位数字，例如 330100。")))
    return value


def _meaning(error: SQLAlchemyError) -> MapError | None:
    if getattr(getattr(error, "orig", None), "sqlstate", None) == _NO_TABLE:
        return Unavailable(N_("数据库结构不是最新的。请运行 flask db upgrade。"))
    return meaning(error)
