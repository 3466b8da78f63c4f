"""`flask demo …`: tokens of demo persons, for trying the API. Only in the sample world."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import AppGroup

from app.db import new_session
from app.demo import DEMO_ROLES, demo_tokens
from app.i18n import translate
from core.actor import Role
from core.errors import MapError

command = AppGroup("demo", help="示例世界里的人 / demo persons of the sample world.")


@command.command("token")
@click.argument("role", type=click.Choice(DEMO_ROLES))
@click.option("--n", "count", type=click.IntRange(1, 20_000), default=1, show_default=True, help="how many different persons")
@click.option("--json", "as_json", is_flag=True, help="one JSON array instead of lines")
def token(role: Role, count: int, as_json: bool) -> None:
    """Print bearer tokens of COUNT demo persons in ROLE."""
    with new_session(current_app) as session:
        try:
            found = demo_tokens(session, role, n=count)
        except MapError as no:
            raise click.ClickException(translate(no)) from no
        session.commit()
    click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False) if as_json else "\n".join(f"{one.who}\t{one.token}" for one in found))
