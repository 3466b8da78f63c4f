"""`flask match rerank`: learn an order from what people chose, judge it on later weeks, and say whether it may be used."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli import Stop
from app.i18n import translate
from core.errors import Refused

if TYPE_CHECKING:
    from matching.learning.store import Card


@click.command("rerank")
@click.option("--train", is_flag=True, help="learn from the log of this database")
@click.option("--sample", is_flag=True, help="from generated lists instead of real ones: to try the machinery, never for use")
@click.option("--graded", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="keep the measures of graded needs for the page")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
@with_appcontext
def command(*, train: bool, sample: bool, graded: Path | None, as_json: bool) -> None:
    """学习排序：训练、检验、说明为什么用或不用 / a learnt order: train, judge, and why it is on or off."""
    from app.learned import folder
    from matching.learning.store import read_card

    where = folder(current_app.config["SETTINGS"])
    if graded:
        _judge(where, graded)
    card = _train(where, sample=sample) if train else read_card(where)
    found = _told(where, card)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def _train(where: Path, *, sample: bool) -> Card:
    from app.db import new_session
    from app.learned import SHAPE
    from core import clock
    from matching.learning.lists import read_lists
    from matching.learning.log import WEEKS_KEPT
    from matching.learning.rerank import trial
    from matching.learning.store import importable, save

    if not importable():
        raise Stop("没有安装 lightgbm：用 RERANK=1 make run 启动时会装上。", "lightgbm is not installed: RERANK=1 make run installs it.")
    with new_session(current_app) as session:
        since = clock.today(session) - timedelta(weeks=WEEKS_KEPT + 1)
        lists, at = read_lists(session, since, shape=SHAPE, sample=sample), clock.now(session)
    try:
        found = trial(lists)
    except Refused as no:
        raise Stop(translate(no), f"Too little to learn from ({no.clause}): {len(lists)} lists, {int(lists.clicked.sum())} clicks.") from no
    return save(where / "sample" if sample else where, found, shape=SHAPE, at=at)


def _judge(where: Path, file: Path) -> None:
    from app.cli.match import evaluated
    from app.db import new_session
    from core import clock
    from matching.learning.store import keep_graded

    with new_session(current_app) as session:
        keep_graded(where, evaluated(file), at=clock.now(session))


def _told(where: Path, card: Card | None) -> dict[str, Any]:
    from app.learned import SHAPE
    from matching.learning.store import why_off

    why = why_off(where, switched_on=current_app.config["SETTINGS"].rerank, shape=SHAPE)
    facts: dict[str, Any] = {"in_use": not why, "why": translate((why, {})) if why else ""}
    if card:
        gain = {"gain": round(card.gain.value, 4), "low": round(card.gain.low, 4), "high": round(card.gain.high, 4)}
        facts |= {"trained_at": card.at, "plain_ndcg": round(card.plain.value, 4), **gain, "learnt": card.learnt, "judged": card.judged}
    return facts
