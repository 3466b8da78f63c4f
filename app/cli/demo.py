"""`flask demo …`: tokens of demo persons, for trying the API. Only in the sample world."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import AppGroup

from app.cli.opened import adcode, opened
from app.demo import DEMO_ROLES, demo_tokens
from app.figures import figures
from app.i18n import translate
from core.actor import Role
from geodata.regions import HOME

command = AppGroup("demo", help="示例世界里的人 / demo persons of the sample world.")


@command.command("token")
@click.argument("role", type=click.Choice(DEMO_ROLES))
@click.option("--n", "count", type=click.IntRange(1, 20_000), default=1, show_default=True, help="how many different persons")
@click.option("--json", "as_json", is_flag=True, help="one JSON array instead of lines")
def token(role: Role, count: int, as_json: bool) -> None:
    """Print bearer tokens of COUNT demo persons in ROLE."""
    with opened() as session:
        found = demo_tokens(session, role, n=count)
        session.commit()
    click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False) if as_json else "\n".join(f"{one.who}\t{one.token}" for one in found))


@command.command("figures")
@click.option("--region", default=HOME, show_default=True, metavar="ADCODE", callback=adcode, help="six digits, e.g. 330500")
@click.option("--json", "as_json", is_flag=True, help="one JSON array instead of lines")
def figures_command(region: str, *, as_json: bool) -> None:
    """Print what the founding paper reports, from SQL over this store, beside the paper's own figures."""
    with opened() as session:
        rows = [found.as_json(translate) for found in figures(session, region)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        value, paper, ratio = ("" if row[name] is None else f"{row[name]:,}" for name in ("value", "paper", "ratio"))
        click.echo("\t".join((row["title"], f"{value} {row['unit']}".strip(), paper, ratio, row["definition"])))
