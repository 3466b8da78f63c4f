"""Requests, audit records and transfers of the sample history: what `once`, `record` and `post` would have written, thousands at a time.

A deed is one verb done many times, with one column for each thing that differs. Ids follow the instants, and at one instant the order in which
deeds, notes and moves were entered; a test runs the verbs themselves beside it and compares every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import md5, sha256
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from bookings.sampling.times import Ints, dates, day_of, instants
from core.audit import Audit
from core.db import Base
from geodata.bulk import NOTHING, copy_columns, take_block
from vouchers.ledger import Account, Posting, Transfer
from vouchers.requests import Request

Texts = Sequence[str]


@dataclass(frozen=True)
class Doers:
    """Who does it, row by row: numbers of user and organisation (0: none), all in one role."""

    role: str
    users: Ints
    organisations: Ints

    def names(self) -> list[str]:
        """Return how each is named in a request."""
        return [f"{self.role}:{user}" for user in self.users.tolist()]

    def only(self, rows: Any) -> Doers:
        """Return the doers of some rows."""
        return Doers(self.role, self.users[rows], self.organisations[rows])


def clock(count: int) -> Doers:
    """Return the system as the doer of `count` deeds."""
    return Doers("system", np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64))


@dataclass
class Deed:
    """One verb done at many instants. `content`: the request's content as JSON, alike for alike requests. Inside `outer`, `suffix` makes the key."""

    verb: str
    at: Ints
    by: Doers
    content: Texts
    answer: Ints
    keys: Texts | None = None
    outer: Deed | None = None
    suffix: str = ""
    ids: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    requests: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Spread:
    """The deed of each of many papers: row n belongs to row `rows[n]` of `deed`."""

    deed: Deed
    rows: Ints

    @property
    def at(self) -> Ints:
        """When each was done."""
        return self.deed.at[self.rows]

    @property
    def by(self) -> Doers:
        """Who did each."""
        return self.deed.by.only(self.rows)

    @property
    def requests(self) -> list[str]:
        """The request of each; known once the deeds are written."""
        return [self.deed.requests[n] for n in self.rows.tolist()]


@dataclass
class Note:
    """The audit records of a deed about many papers of one sort."""

    deed: Deed | Spread
    subject: str
    subject_ids: Ints
    event: str
    before: str | Texts
    after: str
    more: dict[str, Any]
    by: Doers
    ids: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass
class Move:
    """The transfers that belong to some `rows` of a note, one posting each: account codes and amounts in fen."""

    note: Note
    kind: str
    sources: Texts
    destinations: Texts
    amounts: Ints
    suffix: str | Texts = ""
    rows: Any = field(default_factory=lambda: slice(None))

    @property
    def at(self) -> Ints:
        """When each was posted."""
        found: Ints = self.note.deed.at[self.rows]
        return found


class Journal:
    """Collects deeds with their notes and moves; `write` numbers and writes them."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []
        self.notes: list[Note] = []
        self.moves: list[Move] = []

    def deed(self, verb: str, at: Ints, by: Doers, content: Texts, answer: Ints, **more: Any) -> Deed:
        """Enter a verb that was done at `at`."""
        self.deeds.append(Deed(verb, at, by, content, answer, **more))
        return self.deeds[-1]

    def note(self, deed: Deed | Spread, subject: type[Base], ids: Ints, event: str, states: tuple[str | Texts, str], **more: Any) -> Note:
        """Enter the records of a change of state; `more` are further columns of the record, `by` another doer."""
        by = more.pop("by", deed.by)
        self.notes.append(Note(deed, subject.__tablename__, ids, event, *states, more, by))
        return self.notes[-1]

    def move(self, note: Note, kind: str, ways: tuple[Texts, Texts], amounts: Ints, **more: Any) -> None:
        """Enter the transfers that belong to a note, or to some `rows` of it; `suffix`, one for all or each, is added to the request's id."""
        self.moves.append(Move(note, kind, *ways, amounts, **more))

    def write(self, session: Session) -> None:
        """Give everything its number and write it: requests, audit, then the ledger."""
        self._number(session, Request, [deed.at for deed in self.deeds], self.deeds)
        self._number(session, Audit, [note.deed.at for note in self.notes], self.notes)
        for deed in self.deeds:
            _write_requests(session, deed)
        for note in self.notes:
            _write_notes(session, note)
        _write_ledger(session, self.moves)

    @staticmethod
    def _number(session: Session, entity: type[Base], at: Sequence[Ints], parts: Sequence[Deed | Note]) -> None:
        ranks = ranked(at)
        first = take_block(session, entity, sum(map(len, ranks)))
        for part, rank in zip(parts, ranks, strict=True):
            part.ids = first + rank


def ranked(at: Sequence[Ints]) -> list[Ints]:
    """Return the place of each instant among all, from 0: by time, then by list, then by row."""
    if not at:
        return []
    whole = np.concatenate(at)
    rank = np.empty(len(whole), dtype=np.int64)
    rank[np.argsort(whole, kind="stable")] = np.arange(len(whole))
    return np.split(rank, np.cumsum([len(part) for part in at])[:-1])


def numbers(values: Ints) -> Ints:
    """Return ids as COPY takes them: 0 is nobody."""
    return np.where(values == 0, NOTHING, values)


def _write_requests(session: Session, deed: Deed) -> None:
    names, count = deed.by.names(), len(deed.at)
    if deed.outer is not None:
        keys = [f"{outer}/{deed.suffix}" for outer in deed.outer.requests]
    else:
        keys = list(deed.keys) if deed.keys is not None else [f"sample/{deed.verb}/{n}" for n in deed.ids.tolist()]
    deed.requests = [f"{who}:{key}" for who, key in zip(names, keys, strict=True)]
    owners = ["null" if one == 0 else str(one) for one in deed.by.organisations.tolist()]
    prints = [sha256(f'["{deed.verb}", {owner}, {content}]'.encode()).hexdigest() for owner, content in zip(owners, deed.content, strict=True)]
    columns: dict[str, Any] = {
        "id": deed.ids,
        "who": names,
        "key": keys,
        "content": prints,
        "answer": deed.answer,
        "at": instants(deed.at),
        "verb": deed.verb,
    }
    copy_columns(session, Request, columns, count)


def _write_notes(session: Session, note: Note) -> None:
    plain: dict[str, Any] = {"reason": "", "policy_version_id": None, "detail": "{}"}
    columns: dict[str, Any] = {
        "id": note.ids,
        "at": instants(note.deed.at),
        "role": note.by.role,
        "subject": note.subject,
        "subject_id": note.subject_ids,
    }
    columns |= {"user_id": numbers(note.by.users), "organisation_id": numbers(note.by.organisations), "event": note.event}
    columns |= {"before": note.before, "after": note.after, "request_id": note.deed.requests, **plain, **note.more}
    copy_columns(session, Audit, columns, len(note.ids))


@dataclass
class _Accounts:
    """Balance rows while they are posted to: code → [id, balance, version]."""

    first: int
    rows: dict[str, list[int]] = field(default_factory=dict)

    def of(self, code: str) -> list[int]:
        """Return the row of a code, opened at its first posting."""
        found = self.rows.get(code)
        if found is None:
            found = self.rows[code] = [self.first + len(self.rows), 0, 0]
        return found


def _write_ledger(session: Session, moves: Sequence[Move]) -> None:
    """Post every transfer in the order of time, as `ledger_post` does: balances, versions, and no account below zero but the treasury's."""
    ranks = ranked([move.at for move in moves])
    count = sum(map(len, ranks))
    first = take_block(session, Transfer, count)
    for move, rank in zip(moves, ranks, strict=True):
        _write_transfers(session, move, first + rank)
    _post(session, moves, np.argsort(np.concatenate(ranks), kind="stable").tolist() if ranks else [], first)


def _post(session: Session, moves: Sequence[Move], order: Sequence[int], transfer: int) -> None:
    sources, destinations = _joined(move.sources for move in moves), _joined(move.destinations for move in moves)
    amounts = np.concatenate([move.amounts for move in moves]).tolist() if moves else []
    accounts, lines = _Accounts(0), []
    for n in order:
        codes, amount = (sources[n], destinations[n]), amounts[n]
        for code in sorted(codes):
            accounts.of(code)
        source, destination = accounts.rows[codes[0]], accounts.rows[codes[1]]
        source[1] -= amount
        destination[1] += amount
        source[2] += 1
        destination[2] += 1
        if source[1] < 0 and not codes[0].startswith("treasury:"):
            raise ValueError(codes[0], source[1])
        lines.append((source[0], destination[0], amount, source[1], source[2], destination[1], destination[2]))
    first = take_block(session, Account, len(accounts.rows))
    whole = np.array(list(accounts.rows.values()), dtype=np.int64).reshape(-1, 3)
    codes_ = list(accounts.rows)
    columns: dict[str, Any] = {"id": whole[:, 0] + first, "code": codes_, "kind": [code.partition(":")[0] for code in codes_]}
    copy_columns(session, Account, columns | {"balance": _signed(whole[:, 1]), "version": whole[:, 2]}, len(whole))
    posted = np.array(lines, dtype=np.int64).reshape(-1, 7)
    posting = take_block(session, Posting, len(posted))
    rows: dict[str, Any] = {"id": np.arange(posting, posting + len(posted)), "transfer_id": np.arange(transfer, transfer + len(posted))}
    rows |= {"source_id": posted[:, 0] + first, "destination_id": posted[:, 1] + first, "amount": posted[:, 2]}
    rows |= {"source_balance": _signed(posted[:, 3]), "source_version": posted[:, 4]}
    copy_columns(session, Posting, rows | {"destination_balance": _signed(posted[:, 5]), "destination_version": posted[:, 6]}, len(posted))


def _signed(values: Ints) -> list[str]:
    """Return balances as text: the treasury's may be any number below zero."""
    return list(map(str, values.tolist()))


def _joined(parts: Iterable[Texts]) -> list[str]:
    return [code for part in parts for code in part]


def _write_transfers(session: Session, move: Move, ids: Ints) -> None:
    sides = zip(move.sources, move.destinations, move.amounts.tolist(), strict=True)
    prints = [
        md5(f'["{move.kind}", ["{source}"], ["{destination}"], [{amount}]]'.encode(), usedforsecurity=False).hexdigest()
        for source, destination, amount in sides
    ]
    known = move.note.deed.requests
    places = np.arange(len(known))[move.rows].tolist()
    endings = [move.suffix] * len(places) if isinstance(move.suffix, str) else move.suffix
    keys = [known[n] + ending for n, ending in zip(places, endings, strict=True)]
    columns: dict[str, Any] = {"id": ids, "request_id": keys, "kind": move.kind, "business_date": dates(day_of(move.at))}
    copy_columns(session, Transfer, columns | {"at": instants(move.at), "audit_id": move.note.ids[move.rows], "content": prints}, len(ids))
