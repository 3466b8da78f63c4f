"""The command line: each group is a small module beside this one; `GROUPS` at the bottom is the list of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flask import Flask


class Stop(click.ClickException):
    """End a command with one sentence in Chinese and one in English, exit code 1 and no traceback."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")

    def show(self, file: object = None) -> None:  # noqa: ARG002 (click passes it)
        """Print both sentences to standard error, without click's own prefix."""
        click.echo(self.message, err=True)


def register(app: Flask) -> None:
    """Add every group to `flask`; a module names its click command or group `command`."""
    for name in GROUPS:
        app.cli.add_command(import_module(f"app.cli.{name}").command)


GROUPS = ("serve", "database", "demo", "match", "geodata", "policy", "ledger", "audit")
