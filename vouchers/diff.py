"""What differs between two versions of a policy, clause by clause, with the source of each value. Pure: terms in, changes out.

Words for people are made at the edge; here a clause is its dotted path and a plain value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vouchers.terms import Policy

CLAUSES: Final = (
    "title",
    "valid_from",
    "valid_to",
    "issuance",
    "settlement_mode",
    "payee",
    "prefix",
    "eligibility.applicant_types",
    "eligibility.region_scope",
    "eligibility.carrier_level",
    "eligibility.members",
    "services.allow",
    "services.deny",
    "services.deny_if",
    "tiers",
    "ratio_by_region",
    "stack",
    "cofunding",
    "funds",
    "caps.per_application",
    "caps.holding",
    "caps.per_year",
    "caps.group_per_year",
    "use_window.months",
    "use_window.redeem_months",
    "use_window.on_expiry",
    "redeem.rounds_per_year",
    "redeem.evidence",
    "recognition.carriers_from",
    "recognition.rule",
    "recognition.no_cross_region_cash",
    "review",
    "notice_days",
    "spot_check.min_random_share",
    "spot_check.risk_frames",
    "spot_check.joint_with",
)
"""Every clause that a page shows, in its order; what a policy says beyond them follows by its path."""

_NO_CLAUSE: Final = ("id", "level", "region", "funder", "src")
_SETS: Final = ("eligibility.applicant_types", "services.allow", "services.deny", "services.deny_if", "redeem.evidence", "spot_check.risk_frames")
"""Clauses whose order says nothing."""


@dataclass(frozen=True)
class Clause:
    """One clause of one version: its path, its plain value (None: nothing is said) and where the value comes from."""

    path: str
    value: Any
    source: str

    @property
    def assumed(self) -> bool:
        """Whether the value is an invented example (示例参数)."""
        return self.source.startswith("assumed")


@dataclass(frozen=True)
class Change:
    """One clause that two versions say differently; `before` is None where there was no version."""

    path: str
    before: Clause | None
    after: Clause

    @property
    def source_only(self) -> bool:
        """Whether the value stayed and only its source changed."""
        return self.before is not None and _same(self.path, self.before.value, self.after.value)

    @property
    def keeps_source(self) -> bool:
        """Whether another value is said to come from where the old one came from, an example apart."""
        before, after = self.before, self.after
        if before is None or self.source_only or after.value in (None, [], {}, "") or self.path == "title":
            return False
        return not after.assumed and before.source == after.source


def clauses(terms: Policy) -> tuple[Clause, ...]:
    """Return every clause of a version, those that say nothing among them."""
    body = plain(terms)
    flat = _flat(body)
    rest = sorted(path for path in flat if not path.startswith(_NO_CLAUSE) and not any(path == one or path.startswith(one + ".") for one in CLAUSES))
    paths = (*CLAUSES, *(path for path in rest if not any(one.startswith(path + ".") for one in CLAUSES)))
    return tuple(Clause(path, _at(body, path), terms.source(path)) for path in paths)


def compare(old: Policy | None, new: Policy) -> tuple[Change, ...]:
    """Return the clauses that `new` says otherwise than `old`, in the order of the page; all of them when there is no old one."""
    before = {clause.path: clause for clause in clauses(old)} if old else {}
    found = [Change(clause.path, before.get(clause.path), clause) for clause in clauses(new)]
    gone = [Change(path, one, Clause(path, None, "")) for path, one in before.items() if path not in {change.path for change in found}]
    return tuple(change for change in (*found, *gone) if _differs(change))


def plain(terms: Policy) -> dict[str, Any]:
    """Return the policy as JSON data: what is stored, compared and sent."""
    return terms.model_dump(mode="json", by_alias=True)


def merge(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return `theirs` with what `mine` changed since `base`: clause by clause, and `mine` where both did."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys((*theirs, *mine)):
        b, m, t = base.get(name), mine.get(name), theirs.get(name)
        if isinstance(m, Mapping) and isinstance(t, Mapping):
            found[name] = merge(b if isinstance(b, Mapping) else {}, m, t)
        elif name not in mine:
            if name not in base:
                found[name] = t
        elif name in theirs or name not in base:
            found[name] = t if name in theirs and m == b else m
        elif m != b:
            found[name] = m
    return found


def _differs(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None:
        return after.value not in (None, [], {}, "")
    if not _same(change.path, before.value, after.value):
        return True
    return after.value not in (None, [], {}, "") and before.source != after.source


def _same(path: str, one: Any, other: Any) -> bool:
    if path in _SETS and isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    return bool(_number(one) == _number(other))


def _number(value: Any) -> Any:
    """Return `value` with ratios in one spelling: "0.50" and "0.5" are the same."""
    if isinstance(value, list):
        return [_number(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _number(one) for name, one in value.items()}
    if isinstance(value, str) and value.count(".") == 1 and value.replace(".", "").isdecimal():
        return value.rstrip("0").rstrip(".")
    return value


def _flat(body: Mapping[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, value in body.items():
        path = f"{prefix}{name}"
        found.extend(_flat(value, f"{path}.") if isinstance(value, Mapping) and value and path not in CLAUSES else [path])
    return found


def _at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body
