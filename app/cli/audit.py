"""`flask audit …`: seal what waits, check the seal, give out the published roots."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import AppGroup

from app import sealing
from app.cli.opened import opened
from app.health import at_head
from core.errors import N_, Unavailable
from vouchers import roots, seal, verifying

command = AppGroup("audit", help="审计封存 / the sealed audit record.")


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
@click.option("--roots", "kept", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="published roots that you kept, JSON lines")
@click.option("--public-key", help="the only key whose signatures count, hex")
@click.pass_context
def verify(context: click.Context, *, as_json: bool, kept: Path | None, public_key: str | None) -> None:
    """Compute the seal anew from all rows; exit code 1 when one was edited, removed or added, or when a published root does not fit."""
    with opened() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        if not at_head(session):
            raise Unavailable(N_("数据库结构不是最新的。请运行 flask db upgrade。"))
        found = verifying.verify(session, roots.read(kept.read_text("utf-8").splitlines()) if kept else (), public_key=public_key)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for one in found.findings:
            click.echo(f"{one.table} {one.id}: {one.wrong}: {one.text}")
        click.echo(
            f"{found.blocks} blocks, {found.records} records sealed, {found.pending} waiting, {found.rows} rows, {len(found.findings)} findings"
        )
        click.echo(f"head {found.head}")
    context.exit(1 if found.findings else 0)


@command.command("seal")
@click.option("--algorithm", type=click.Choice(("sha256", "sm3")), default="sha256", show_default=True)
def seal_now(algorithm: str) -> None:
    """Seal everything that waits, sign the roots and write them to the file; the worker does the same by itself."""
    with opened() as session:
        while seal.seal(session, algorithm=algorithm):
            session.commit()
        sealing.seal_and_sign(session)
        session.commit()
        click.echo(f"{sealing.write(session)} → {sealing.file_of(session)}")


@command.command("roots")
def roots_lines() -> None:
    """Print all published roots, one JSON object a line."""
    with opened() as session:
        for one in roots.published(session):
            click.echo(one.line())
