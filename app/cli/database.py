"""`flask db upgrade | downgrade | check`: thin wrappers over Alembic, run as the owner of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli import Stop
from app.config import ROOT

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 7_303_014
"""Number of the advisory lock that lets one process at a time change the structure or lay the sample world."""


def alembic_config() -> Config:
    """Return Alembic's configuration; importing it here keeps half a second out of every other command."""
    from alembic.config import Config

    return Config(ROOT / "alembic.ini")


def upgrade(revision: str = "head") -> None:
    """Bring the database to `revision`; `Stop` when the database knows a revision that this code does not."""
    from alembic import command as alembic
    from alembic.util import CommandError

    try:
        alembic.upgrade(alembic_config(), revision)
    except CommandError as error:
        raise Stop(
            f"数据库结构不能升级：{error}。数据库可能属于更新的版本，请更新代码。",
            f"The database cannot be upgraded: {error}. It may belong to a newer version; update the code.",
        ) from error


@click.group("db")
def command() -> None:
    """数据库结构 / structure of the database."""


@command.command("upgrade")
@click.argument("revision", default="head")
def upgrade_command(revision: str) -> None:
    """升级到 REVISION（默认最新）/ upgrade to REVISION (default: the newest)."""
    upgrade(revision)


@command.command("downgrade")
@click.argument("revision")
def downgrade_command(revision: str) -> None:
    """退回到 REVISION（base 为空库）/ go back to REVISION; base is an empty database."""
    from alembic import command as alembic

    alembic.downgrade(alembic_config(), revision)


@command.command("check")
def check_command() -> None:
    """比较模型与数据库 / compare models and database; exit code 1 when they differ."""
    from alembic import command as alembic
    from alembic.util import CommandError

    try:
        alembic.check(alembic_config())
    except CommandError as error:
        raise Stop(f"模型与数据库不一致：{error}", f"Models and database differ: {error}") from error
