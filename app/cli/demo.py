"""`flask demo …`: tokens of demo persons, for trying the API. Only in the sample world."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import AppGroup

from app.cli.opened import opened
from app.demo import DEMO_ROLES, demo_tokens
from core.actor import Role

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
