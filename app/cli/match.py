"""`flask match …`: what a need is understood as, for trying words and for judging the matching from outside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup

from app.cli import Stop, lexicon, rerank, specs
from app.cli.specs import lines_in
from app.i18n import translate
from core.errors import MapError

if TYPE_CHECKING:
    from matching.evaluate import Graded

command = AppGroup("match", help="需求是怎么看懂的 / how needs are understood.")


@command.command("types")
@click.argument("need")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
def types(need: str, as_json: bool) -> None:
    """Print the instrument types for NEED, best first, or the question it raises; NEED "-" reads one need a line from standard input."""
    given: Iterable[str] = lines_in() if need == "-" else [need]
    for line in given:
        found = answer(line)
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else _lines(found))


@command.command("evaluate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines")
def evaluate(file: Path, as_json: bool) -> None:
    """Judge the answers for the graded needs in FILE (one JSON object a line: id, need, grades, tags)."""
    found = evaluated(file)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else json.dumps(found, ensure_ascii=False, indent=2))


def evaluated(file: Path) -> dict[str, Any]:
    """Return the measures of the answers for the graded needs in a file."""
    from matching.evaluate import evaluate as judge

    return judge(_graded(file), _names)


@command.command("fit")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="put the weights in force (matching/weights.toml) where the gain is certain")
def fit(file: Path, write: bool) -> None:
    """Fit the weights of evidence on the graded needs in FILE, never those that the matching is judged by."""
    from matching.fitting import as_toml
    from matching.fitting import fit as fitted

    found = fitted(list(_graded(file)))
    low, high = found.interval
    click.echo(f"nDCG@10 {found.before:.4f} → {found.after:.4f}; held out {found.held_out_gain:+.4f} [{low:+.4f}, {high:+.4f}]")
    if write and found.is_certain:
        (Path(__file__).parents[2] / "matching" / "weights.toml").write_text(as_toml(found.knobs), encoding="utf-8")
    click.echo(as_toml(found.knobs) if found.is_certain else "增益不确定，权重不变。/ The gain is not certain: the weights stay.")


@command.command("learn")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="put what was learnt in force (matching/learnt.npz)")
def learn(file: Path, write: bool) -> None:
    """Learn which characters speak for which type from the graded needs in FILE and the lexicon; never from needs it is judged by."""
    from matching.teaching import learn as taught
    from matching.teaching import save

    found = taught(list(_graded(file)))
    if write:
        save(found, Path(__file__).parents[2] / "matching" / "learnt.npz")
    click.echo(f"{len(found.grams)} n-grams, {len(found.weights)} weights, {found.nbytes // 1_000_000} MB")


def _names(need: str) -> list[str]:
    found = answer(need)
    return [one["type"] for one in found] if isinstance(found, list) else []


def _graded(file: Path) -> Iterator[Graded]:
    """Read graded needs; a line that is none ends with a sentence that names it."""
    from matching.evaluate import Graded

    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield Graded(str(row["need"]), {str(name): int(grade) for name, grade in (row.get("grades") or {}).items()}, tuple(row.get("tags") or ()))
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise Stop(
                f"{file} 第 {number} 行不是一条带评分的需求。", f"Line {number} of {file} is no graded need: id, need, grades, tags."
            ) from wrong


def answer(need: str) -> list[dict[str, Any]] | dict[str, Any]:
    """Return the types for a need as plain data, or {"ask", "options"} instead of a guess."""
    from matching.types import resolve

    try:
        found = resolve(need)
    except MapError as no:
        return {"ask": translate(no), "options": []}
    if found.ask:
        return {"ask": translate(found.ask.message), "options": list(found.ask.options)}
    return [{"type": t.name_zh, "score": t.score, "why": list(t.why)} for t in found.types]


def _lines(found: list[dict[str, Any]] | dict[str, Any]) -> str:
    if isinstance(found, dict):
        return "\n".join([found["ask"], *(f"  {option}" for option in found["options"])])
    return "\n".join(f"{one['score']:.2f}  {one['type']}  {'；'.join(one['why'])}" for one in found)


command.add_command(lexicon.command)
command.add_command(specs.command)
command.add_command(rerank.command)
