"""`flask match specs`: what is read in the specifications of data sheets."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from matching.specs import Reading


@click.command("specs")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
def command(as_json: bool) -> None:
    """Read specifications, one text a line on standard input; print what was read of each."""
    from matching.specs import parse

    for line in lines_in():
        readings = [_reading(one) for one in parse(line)]
        click.echo(json.dumps({"text": line, "parsed": readings}, ensure_ascii=False) if as_json else _spoken(line, readings))


def _reading(one: Reading) -> dict[str, Any]:
    """Return a reading as plain data: whole numbers without a point, ranges as lists, `condition` only where it is one."""
    row: dict[str, Any] = {"quantity": one.quantity, "op": one.op, "value": _plain(one.value), "unit": one.unit}
    row |= {"si_value": _plain(one.si_value), "si_unit": one.si_unit}
    return row | {"condition": True} if one.condition else row


def _plain(value: float | tuple[float, float]) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _spoken(line: str, readings: list[dict[str, Any]]) -> str:
    return "\n".join(
        [line, *(f"  {one['quantity']} {one['op']} {one['value']} {one['unit']} = {one['si_value']} {one['si_unit']}" for one in readings)]
    )


def lines_in() -> Iterator[str]:
    """Give the lines of standard input without their ends."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # one line in another encoding must not end the others
    for line in sys.stdin:
        yield line.rstrip("\r\n")
