"""`flask match …`: what a need is understood as, for trying words and for judging the matching from outside."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from flask.cli import AppGroup

from app.i18n import translate
from core.errors import MapError

command = AppGroup("match", help="需求是怎么看懂的 / how needs are understood.")


@command.command("types")
@click.argument("need")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
def types(need: str, as_json: bool) -> None:
    """Print the instrument types for NEED, best first, or the question it raises; NEED "-" reads one need a line from standard input."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # one line in another encoding must not end the others
    given: Iterable[str] = sys.stdin if need == "-" else [need]
    for line in given:
        found = answer(line.rstrip("\r\n"))
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else _lines(found))


def answer(need: str) -> list[dict[str, Any]] | dict[str, Any]:
    """Return the types for a need as plain data, or {"ask", "options"} instead of a guess."""
    from matching.types import resolve

    try:
        found = resolve(need)
    except MapError as no:
        return {"ask": translate(no), "options": []}
    if found.ask:
        return {"ask": translate(found.ask.message), "options": list(found.ask.options)}
    return [{"type": t.name_zh, "score": t.score, "why": list(t.why)} for t in found.types]


def _lines(found: list[dict[str, Any]] | dict[str, Any]) -> str:
    if isinstance(found, dict):
        return "\n".join([found["ask"], *(f"  {option}" for option in found["options"])])
    return "\n".join(f"{one['score']:.2f}  {one['type']}  {'；'.join(one['why'])}" for one in found)
