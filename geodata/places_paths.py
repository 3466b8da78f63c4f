"""Which meanings of the names in an address fit together: one place, several, or none because the parts contradict each other.

A path is a chain of places, each inside the one before. Nothing is guessed: what is not certain stays a list of candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from core.errors import N_
from geodata.places import Found, Said
from geodata.places_names import RANK, Entry, Gazetteer, Strength
from geodata.places_text import Mention, Reading, latin_keys

Path = tuple[Entry, ...]
LISTED: Final = 20
"""Candidates that are returned at most."""

_ORDER: Final[tuple[Strength, ...]] = ("full", "short", "loose", "inner")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an address comes to: `place` is certain; else `stated` is the region it names beyond doubt and `candidates` what it may mean."""

    place: Entry | None = None
    stated: Entry | None = None
    candidates: tuple[Found, ...] = ()
    note: Said | None = None


def resolve(reading: Reading, names: Gazetteer) -> Outcome:
    """Return what the names of a reading mean together."""
    paths: list[Path] = []
    for mention in reading.mentions:
        longer = _extended(paths, mention)
        if longer:
            paths = longer
        elif paths and mention.firm and all(_contradicts(path[-1], mention, names) for path in paths):
            return _conflict(paths, mention, names)
    if not paths:
        return _unread(reading, names)
    return _spelt(_ended(paths, reading, names), reading, names)


def found_entry(entry: Entry, names: Gazetteer, *, similar: bool = False) -> Found:
    """Return an entry as a candidate."""
    above = names.above(entry.adcode)
    region = above.removesuffix(entry.name) if RANK[entry.kind] <= RANK["county"] else above
    return Found(entry.name, entry.name_en, entry.kind, entry.adcode, entry.lon, entry.lat, entry.precision, region, similar)


def _extended(paths: list[Path], mention: Mention) -> list[Path]:
    """Return the paths with this name added where it fits, by its strongest reading that fits anywhere."""
    for strength in _ORDER:
        meanings = [entry for entry, how in mention.meanings if how == strength]
        if not paths:
            longer: list[Path] = [(entry,) for entry in meanings] if strength in ("full", "short") else []
        else:
            longer = [path for old in paths for entry in meanings if (path := _joined(old, entry))]
        if longer:
            return list({_key(path[-1]): path for path in longer}.values())
    return []


def _joined(path: Path, entry: Entry) -> Path | None:
    """Return the path with `entry` in it, or None when it lies elsewhere. A zone is no fence: a county of its city that is named counts more."""
    last = path[-1]
    if last.holds(entry):
        return path if entry is last else (*path, entry)
    if entry.holds(last):
        return path if any(entry is step for step in path) else (entry, *path)
    if last.kind == "zone" and entry.adcode[:4] == last.adcode[:4] and entry.kind in ("county", "township"):
        return (*path[:-1], entry)
    return None


def _contradicts(entry: Entry, mention: Mention, names: Gazetteer) -> bool:
    """Say whether a name cannot lie in the region: all that lies there is known, and it is no zone, whose edges nobody states."""
    return names.is_whole(entry) and not any(other.kind == "zone" and other.adcode[:4] == entry.adcode[:4] for other, _ in mention.meanings)


def _conflict(paths: list[Path], mention: Mention, names: Gazetteer) -> Outcome:
    meant = [entry for entry, how in mention.meanings if how != "loose"] or [entry for entry, _ in mention.meanings]
    ends = [path[-1] for path in paths]
    note = (N_("“%(inner)s”不在“%(outer)s”，请核对。"), {"inner": mention.name, "outer": ends[0].name})
    return Outcome(candidates=_listed([*meant, *ends], names), note=note)


def _ended(paths: list[Path], reading: Reading, names: Gazetteer) -> Outcome:
    ends = [path[-1] for path in paths]
    whole = next((path for path in paths if all(path[-1].holds(end) for end in ends)), None)
    if whole is not None:
        return _one(whole, names)
    note = (N_("有 %(count)s 个地方叫“%(name)s”，请写明县（市、区）。"), {"count": str(len(ends)), "name": _called(ends, reading)})
    if len({entry.adcode for entry in ends}) == 1:
        return Outcome(stated=names.regions[ends[0].adcode], candidates=_listed(ends, names), note=note)
    shared = [step for step in paths[0] if step.is_one and all(step in path for path in paths)]
    return Outcome(stated=shared[-1] if shared else None, candidates=_listed(ends, names), note=note)


def _called(ends: Sequence[Entry], reading: Reading) -> str:
    """Return how the address writes the name that means several places."""
    return next((m.name for m in reading.mentions if any(entry is ends[0] for entry, _ in m.meanings)), ends[0].name)


def _one(path: Path, names: Gazetteer) -> Outcome:
    end = path[-1]
    if not end.is_one:
        shared = [step for step in path[:-1] if step.is_one]
        today = [names.regions[code] for code in end.spans]
        return Outcome(stated=shared[-1] if shared else None, candidates=_listed(today, names), note=end.old)
    return Outcome(place=_today(end, names), note=next((step.old for step in reversed(path) if step.old), None) or _moved(path, names))


def _today(entry: Entry, names: Gazetteer) -> Entry:
    return names.regions[entry.adcode] if entry.old and entry.kind in ("province", "city", "county") else entry


def _moved(path: Path, names: Gazetteer) -> Said | None:
    """Say that a place was split off from the county that the address names."""
    end = path[-1]
    before = next((step for step in path[:-1] if step.kind == "county" and step.adcode != end.adcode), None)
    if before is None:
        return None
    return N_("“%(place)s”原属%(old)s，今属%(new)s。"), {"place": end.name, "old": before.name, "new": names.regions[end.adcode].name}


def _spelt(outcome: Outcome, reading: Reading, names: Gazetteer) -> Outcome:
    """Look at what was not read: a misspelling of what was found is forgiven, any other opens the question."""
    end = outcome.place
    for place, token in reading.unknown if end else ():
        assert end is not None  # noqa: S101 (tells the type checker)
        line = [names.regions[code] for code in _line(end.adcode) if code in names.regions]
        meant = next((entry for entry in (*line, end) if _is_near(token, entry.name)), None)
        if meant is not None:
            outcome = replace(outcome, note=outcome.note or (N_("“%(wrong)s”按“%(right)s”理解。"), {"wrong": token, "right": meant.name}))
            continue
        leads = place < reading.mentions[0].start and token[-1] in "省市区县"
        similar = _similar(token, _scope(token, end, names, anywhere=leads))
        if similar or leads:
            found = tuple(found_entry(entry, names, similar=True) for entry in similar)
            note = (N_("没有认出“%(name)s”，请核对。"), {"name": token})
            return Outcome(stated=None if leads else end, candidates=(*found, found_entry(end, names))[:LISTED] if leads else found, note=note)
        outcome = replace(outcome, note=outcome.note or (N_("没有认出“%(name)s”。"), {"name": token}))
    return outcome


def _scope(token: str, end: Entry, names: Gazetteer, *, anywhere: bool) -> Iterable[Entry]:
    if anywhere:
        return names.regions.values()
    if RANK[end.kind] > RANK["county"]:
        return ()
    deeper = names.below.get(end.adcode, ())
    counties = [entry for entry in deeper if entry.kind == "county"] if token[-1] in "镇乡道" else []
    return (*deeper, *(town for county in counties for town in names.below.get(county.adcode, ())))


def _unread(reading: Reading, names: Gazetteer) -> Outcome:
    """Return candidates that are spelt alike where no name was read."""
    lost = next((reading.text[:end] for end in range(min(8, len(reading.text)), 1, -1) if reading.text[:end] in names.elsewhere), None)
    if lost is not None:
        return Outcome(note=(N_("“%(name)s”的地名还没有载入。"), {"name": lost}))
    known = _beginning(reading, names)
    if known:
        return Outcome(candidates=_listed(known, names), note=(N_("没有写明县（市、区），请核对。"), {}))
    towns = (entry for found in names.below.values() for entry in found)
    tokens = [token for _, token in reading.unknown]
    similar = [entry for token in tokens[:1] for entry in _similar(token, towns)] or _similar_latin(reading, names)
    note = (N_("没有认出“%(name)s”，请核对。"), {"name": tokens[0]}) if tokens else (N_("没有认出地名。请写明县（市、区）。"), {})
    return Outcome(candidates=tuple(found_entry(entry, names, similar=True) for entry in similar[:LISTED]), note=note)


def _beginning(reading: Reading, names: Gazetteer) -> list[Entry]:
    """Return what the longest name that the text begins with may mean, were it known in which county."""
    text = reading.text
    runs = (text[:end] for end in range(min(len(text), names.longest), 1, -1))
    found = next(([(run, entry) for entry, _ in names.han[run]] for run in runs if run in names.han), [])
    return [entry for run, entry in found if RANK[entry.kind] >= RANK["county"] and (entry.kind != "settlement" or run in entry.name)]


def _similar(token: str, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries one character away (two for names of five or more), nearest first."""
    choices = list(entries)
    found = process.extract(token, [entry.name for entry in choices], scorer=Levenshtein.distance, score_cutoff=_tolerance(token), limit=LISTED)
    return [choices[index] for _, _, index in found if len(choices[index].name) > 2]


def _similar_latin(reading: Reading, names: Gazetteer) -> list[Entry]:
    words = [key for key in latin_keys(reading.text) if len(key) > 4] if reading.text.isascii() else []
    found = [key for word in words for key, _, _ in process.extract(word, list(names.latin), scorer=Levenshtein.distance, score_cutoff=1, limit=5)]
    return [entry for key in dict.fromkeys(found) for entry in names.latin[key]]


def _is_near(token: str, name: str) -> bool:
    return Levenshtein.distance(token, name) <= _tolerance(token)


def _tolerance(token: str) -> int:
    return 1 if len(token) < 5 else 2


def _listed(entries: Sequence[Entry], names: Gazetteer) -> tuple[Found, ...]:
    unique = {_key(entry): entry for entry in entries}.values()
    return tuple(found_entry(entry, names) for entry in unique)[:LISTED]


def _key(entry: Entry) -> tuple[str, str, str, float | None, float | None]:
    return entry.kind, entry.adcode, entry.name, entry.lon, entry.lat


def _line(adcode: str) -> tuple[str, str, str]:
    return adcode, f"{adcode[:4]}00", f"{adcode[:2]}0000"
