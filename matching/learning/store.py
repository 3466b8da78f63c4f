"""A trained order on disk: the model and what must be known of it, side by side in one folder; and whether it may be used.

The card names the signals that the model was trained on and their hash, so that a model of other signals is never asked.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from core.errors import N_
from matching.learning.bootstrap import Interval
from matching.learning.rerank import Trial

MODEL: Final = "order.txt"
CARD: Final = "order.json"
GRADED: Final = "graded.json"


@dataclass(frozen=True)
class Card:
    """What is known of a trained order: when, the signals, the weeks, the plain order's nDCG and the gain over it, how far people look down."""

    at: str
    shape: str
    digest: str
    learnt: tuple[str, str, int]
    judged: tuple[str, str, int]
    plain: Interval
    gain: Interval
    theta: tuple[float, ...]


def save(folder: Path, found: Trial, *, shape: str, at: datetime) -> Card:
    """Write model and card; the card last and in one step, so that whoever reads finds a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    words = found.model.model_to_string()
    (folder / MODEL).write_text(words)
    theta = tuple(round(float(one), 4) for one in found.theta)
    card = Card(at.isoformat(), shape, _digest(shape, words), _span(found.learnt), _span(found.judged), found.plain, found.gain, theta)
    fresh = folder / f"{CARD}.new"
    fresh.write_text(json.dumps(card, default=_plain, ensure_ascii=False, indent=1))
    fresh.replace(folder / CARD)
    return card


def read_card(folder: Path) -> Card | None:
    """Return the card of the trained order; None where there is none or it cannot be read."""
    try:
        found = json.loads((folder / CARD).read_text())
        parts = {"learnt": tuple(found["learnt"]), "judged": tuple(found["judged"]), "theta": tuple(found["theta"])}
        return Card(**{**found, **parts, "plain": Interval(**found["plain"]), "gain": Interval(**found["gain"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_model(folder: Path, card: Card) -> Any | None:
    """Return the model that the card is about; None where it is another one, or cannot be read."""
    from lightgbm import Booster
    from lightgbm.basic import LightGBMError

    try:
        words = (folder / MODEL).read_text()
        return Booster(model_str=words) if _digest(card.shape, words) == card.digest else None
    except (OSError, LightGBMError):
        return None


def why_off(folder: Path, *, switched_on: bool, shape: str) -> str:
    """Return why the learnt order is not used (a message id), "" when it is."""
    card = read_card(folder)
    if not importable():
        return N_("没有安装 lightgbm，学不了也用不了。")
    if card is None:
        return N_("还没有训练过。点击攒够以后，由运维运行 flask match rerank --train。")
    if card.shape != shape:
        return N_("训练以后排序信号变了，这个模型不能用，要重新训练。")
    if not card.gain.above_zero:
        return N_("测得的提升不确定：区间的下限不大于 0，所以不用。")
    return "" if switched_on else N_("提升是确定的，但开关没有打开：设置 RERANK=1 后生效。")


def importable() -> bool:
    """Say whether the library that learns is installed."""
    return importlib.util.find_spec("lightgbm") is not None


def keep_graded(folder: Path, found: dict[str, Any], *, at: datetime) -> None:
    """Write the measures of the graded needs, with the instant they were taken."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRADED).write_text(json.dumps({"at": at.isoformat(), **found}, ensure_ascii=False))


def read_graded(folder: Path) -> dict[str, Any] | None:
    """Return the measures of the graded needs; None where none were kept."""
    try:
        found = json.loads((folder / GRADED).read_text())
        return found if isinstance(found, dict) and "ndcg@10" in found else None
    except (OSError, ValueError):
        return None


def _span(weeks: tuple[int, int, int]) -> tuple[str, str, int]:
    first, last, n = weeks
    return date.fromordinal(first).isoformat(), date.fromordinal(last).isoformat(), n


def _digest(shape: str, words: str) -> str:
    return sha256(f"{shape}\n{words}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    return {name: getattr(value, name) for name in value.__slots__} if hasattr(value, "__slots__") else vars(value)
