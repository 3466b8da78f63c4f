"""`flask match lexicon`: how much the lexicon holds, and whether its files are sound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from app.cli import Stop
from app.i18n import translate

if TYPE_CHECKING:
    from matching.lexicon.checking import Fault


@click.command("lexicon")
@click.option("--check", "checked", is_flag=True, help="name every fault with file, line, reason and way out; exit 1 if there is one")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
def command(*, checked: bool, as_json: bool) -> None:
    """Print how many wordings of each kind the lexicon holds; with --check, its faults too."""
    from matching.lexicon.checking import check
    from matching.lexicon.counting import counts

    held = counts()
    faults = check() if checked else []
    if as_json:
        click.echo(json.dumps({"counts": held, "faults": [_plain(one) for one in faults]}, ensure_ascii=False))
    else:
        click.echo("\n".join([*(f"{kind:12}{number:8}" for kind, number in held.items()), *map(_line, faults)]))
    if faults:
        raise Stop(f"词库里有 {len(faults)} 处不对。", f"The lexicon has {len(faults)} faults.")


def _plain(fault: Fault) -> dict[str, object]:
    return {
        "file": fault.file,
        "line": fault.line,
        "reason": translate((fault.reason, fault.params)),
        "way_out": translate((fault.way_out, fault.params)),
    }


def _line(fault: Fault) -> str:
    return f"{fault.file}:{fault.line}  " + "  ".join(translate((text, fault.params)) for text in (fault.reason, fault.way_out))
