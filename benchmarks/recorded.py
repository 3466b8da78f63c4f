"""Turn what the domain says to the database into a script for pgbench: the very same statements, with only the ids drawn anew.

The bench gives every kind of id a range of its own (seven digits and more), so that an id is known by its value wherever it stands, also inside
a text or a list. What an INSERT returned is taken from pgbench's own INSERT; the key of a request is made unique by a random number.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, event

MARK = "7777777"
"""Stands in a text where each run of the script needs another number."""

_ID = re.compile(r"\d{7,}")


def record(engine: Engine, act: Callable[[], object]) -> list[list[tuple[str, Any]]]:
    """Run `act` and return its transactions: each a list of statements with their parameters."""
    found: list[list[tuple[str, Any]]] = [[]]

    def said(_connection: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool) -> None:
        found[-1].append((statement, parameters))

    def ended(_connection: object) -> None:
        found.append([])

    event.listen(engine, "before_cursor_execute", said)
    event.listen(engine, "commit", ended)
    act()
    event.remove(engine, "before_cursor_execute", said)
    event.remove(engine, "commit", ended)
    return [one for one in found if one]


def script(transactions: Sequence[Sequence[tuple[str, Any]]], names: dict[int, str], head: str) -> str:
    """Write the script: `names` are variables by the id that they stand for, `head` sets those that are drawn."""
    lines, known, made = [head], dict(names), 0
    for statements in transactions:
        lines.append("BEGIN;")
        for statement, parameters in statements:
            sql = re.sub(r"%\((\w+)\)s", lambda hit, given=parameters: _value(given[hit[1]], known), statement).replace("%%", "%")
            if "RETURNING" in sql and sql.startswith("INSERT"):
                made += 1
                lines.append(f"{_first_id(sql)} \\gset r{made}_")
                known[_next(known, sql)] = f"r{made}_id"
            else:
                lines.append(f"{sql};")
        lines.append("COMMIT;")
    return "\n".join(lines) + "\n"


STARTS = {"request": 1_000_000, "hold": 2_000_000, "audit": 3_000_000}
"""First ids of the rows that the recorded verbs make; the sequences are set to them just before."""


def _next(known: dict[int, str], sql: str) -> int:
    """Return the id that the recorded INSERT got: the next one of its table."""
    table = sql.split()[2]
    start = STARTS[table]
    return max([start - 1, *(key for key in known if start <= key < start + 500_000)]) + 1


def _first_id(sql: str) -> str:
    return re.sub(r"RETURNING.*$", "RETURNING id AS id", sql, flags=re.DOTALL)


def _value(given: Any, known: dict[int, str]) -> str:
    """Write a parameter as SQL: ids as variables, the rest as it was."""
    if given is None:
        return "NULL"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int):
        return f":{known[given]}" if given in known else str(given)
    if isinstance(given, list | tuple):
        return f"ARRAY[{', '.join(_value(one, known) for one in given)}]"
    plain = given.obj if hasattr(given, "obj") else given
    text = json.dumps(plain) if isinstance(plain, dict | list) else str(plain)
    parts, last = [], 0
    for hit in _ID.finditer(text):
        if hit[0] == MARK or int(hit[0]) in known:
            parts += [_quoted(text[last : hit.start()]), f":{'number_drawn' if hit[0] == MARK else known[int(hit[0])]}::text"]
            last = hit.end()
    return "(" + " || ".join([*parts, _quoted(text[last:])]) + ")"


def _quoted(text: str) -> str:
    """Write a literal; a colon in it would begin a variable of pgbench."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"
