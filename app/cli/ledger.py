"""`flask ledger …`: check the books, and export them as a plain-text journal."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from app.cli.opened import opened
from app.health import at_head
from core.errors import N_, Unavailable
from vouchers.journal import hledger
from vouchers.ledger import violations

command = AppGroup("ledger", help="账本 / the ledger.")


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Read every invariant of the books; exit code 1 when one is broken."""
    with opened() as session:
        if not at_head(session):  # without its views a database has nothing to complain of, sound or not
            raise Unavailable(N_("数据库结构不是最新的。请运行 flask db upgrade。"))
        found = violations(session)
    lines = "\n".join(json.dumps(one, ensure_ascii=False, default=str) for one in found) or "账目无误 / the books are sound"
    click.echo(json.dumps({"violations": found}, ensure_ascii=False, default=str) if as_json else lines)
    context.exit(1 if found else 0)


@command.command("export")
@click.option("--format", "kind", type=click.Choice(("hledger",)), default="hledger", show_default=True, help="the only format so far")
def export(kind: str) -> None:  # noqa: ARG001 (a choice of one)
    """Print the whole ledger as a journal that `hledger check` accepts."""
    with opened() as session:
        for line in hledger(session):
            click.echo(line)
