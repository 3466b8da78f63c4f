"""Demo persons of the sample world: who they are, their log-ins and their tokens. Outside the sample world there are none.

A demo person acts for an organisation of the sample world. The sample world brings most of them along; who is missing is made when first
asked for. The organisations and their vouchers are others' work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import current_app
from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from app.accounts import Membership, Person, User, add_membership, add_user, issue_token, person_of
from core.actor import Role
from core.errors import N_, Invalid, Unavailable
from geodata.organisations import Organisation

DEMO_PASSWORD: Final = "sample-world"  # noqa: S105 (printed on the log-in page; exists in the sample world only)
OPERATOR: Final = "sample-"
"""How the log-in of an organisation's sample operator begins; the organisation's code in small letters follows."""

DEMO_ROLES: Final[tuple[Role, ...]] = ("enterprise", "carrier", "reviewer", "finance", "auditor", "planner")
_ONE_EACH: Final = ("enterprise", "carrier")
_EACH: Final = 3
"""Officers per authority: review, approval and payment of one claim need three persons."""

_VOUCHER: Final = "(SELECT v.code FROM voucher v WHERE v.holder_id = o.id AND v.state = 'active' ORDER BY v.expires_use, v.id LIMIT 1)"
_THERE: Final = f"""
SELECT u.login, m.id AS membership, o.id, o.code, o.name_zh, m.region, {_VOUCHER} AS voucher
FROM membership m JOIN app_user u ON u.id = m.user_id JOIN organisation o ON o.id = m.organisation_id
WHERE m.role = :role AND u.is_sample AND NOT u.disabled
ORDER BY {_VOUCHER} IS NULL, u.password_hash IS NULL, u.id LIMIT :n
"""
_ENTERPRISES: Final = f"""
SELECT o.id, o.code, o.adcode AS region FROM organisation o
WHERE o.kind IN ('enterprise', 'team') AND o.is_sample ORDER BY {_VOUCHER} IS NULL, o.id
"""
_CARRIERS: Final = """
SELECT o.id, o.code, o.adcode AS region FROM organisation o
WHERE o.kind = 'carrier' AND EXISTS (SELECT FROM instrument i WHERE i.organisation_id = o.id AND i.is_sample) ORDER BY NOT o.is_sample, o.id
"""
_AUTHORITIES: Final = """
SELECT o.id, o.code, o.adcode AS region FROM organisation o
LEFT JOIN (SELECT p.funder, count(*) AS n FROM voucher v JOIN policy_version p ON p.id = v.policy_version_id GROUP BY p.funder) f
    ON f.funder = o.adcode
WHERE o.kind = 'authority' AND o.is_sample AND o.adcode IS NOT NULL ORDER BY coalesce(f.n, 0) DESC, o.id
"""


@dataclass(frozen=True)
class DemoToken:
    """A bearer token of a demo person; `voucher` is the number of a voucher that can be spent, if the person holds one."""

    who: str
    token: str
    voucher: str | None
    role: Role
    organisation: str
    organisation_id: int
    region: str | None


def is_sample_world(session: Session) -> bool:
    """Say whether this database holds the sample world and the setting SAMPLE has not ruled it out."""
    if current_app.config["SETTINGS"].sample == "none":
        return False
    return bool(session.scalar(select(exists().where(Organisation.is_sample))))


def demo_tokens(session: Session, role: Role, *, n: int = 1) -> list[DemoToken]:
    """Return tokens of `n` different demo persons of a role; raises `Unavailable` outside the sample world, `Invalid` for role or number."""
    if role not in DEMO_ROLES:
        raise Invalid("role", N_("没有“%(role)s”这个岗位，可用的有：%(roles)s。"), role=role[:40], roles=" ".join(DEMO_ROLES))
    _require_sample_world(session)
    _enrol(session, role, n=n)
    rows = session.execute(text(_THERE), {"role": role, "n": n}).mappings().all()
    if not 0 < n <= len(rows):
        raise Invalid("n", N_("示例世界里“%(role)s”最多有 %(found)s 人，请要 1 到 %(found)s 人。"), role=role, found=len(rows))
    return [_token(session, row, role=role) for row in rows]


def demo_people(session: Session) -> list[Person]:
    """Return the demo persons with names of their own, for the log-in page; operators `sample-<code>` can log in too and are not listed."""
    named = (User.is_sample, User.password_hash.is_not(None), ~User.disabled, ~User.login.startswith(OPERATOR))
    ids = session.scalars(select(User.id).where(*named).order_by(User.id).limit(20))
    return [person for user_id in ids if (person := person_of(session, user_id)) and person.seat]


def _require_sample_world(session: Session) -> None:
    if not is_sample_world(session):
        raise Unavailable(N_("示例账号和令牌只在示例世界里有。请先装入示例数据。"))


def _enrol(session: Session, role: Role, *, n: int) -> None:
    """Make demo persons of a role, as far as there are places, until there are `n`."""
    there = [row["id"] for row in session.execute(text(_THERE), {"role": role, "n": n}).mappings()]
    taken = set(session.scalars(select(User.login).where(User.is_sample)))
    for row, serial in _places(session, role):
        login = f"demo-{role}-{row['code']}-{serial}".lower()
        if len(there) >= n:
            return
        if login not in taken and (role not in _ONE_EACH or row["id"] not in there):
            _add(session, role, row=row, login=login)
            there.append(row["id"])


def _places(session: Session, role: Role) -> list[tuple[Any, int]]:
    """Return pairs of organisation row and serial number: each party once, each authority `_EACH` times."""
    query = {"enterprise": _ENTERPRISES, "carrier": _CARRIERS}.get(role, _AUTHORITIES)
    serials = range(1, 2 if role in _ONE_EACH else _EACH + 1)
    return [(row, serial) for row in session.execute(text(query)).mappings() for serial in serials]


def _add(session: Session, role: Role, *, row: Any, login: str, password: str | None = None) -> None:
    user = add_user(session, login, name=f"示例用户 {login}", password=password, is_sample=True)
    add_membership(session, user, organisation_id=row["id"], role=role, region=None if role in _ONE_EACH else row["region"])


def _token(session: Session, row: Any, *, role: Role) -> DemoToken:
    membership = session.get_one(Membership, row["membership"])
    token = issue_token(session, membership)
    return DemoToken(f"{row['login']} · {row['name_zh']}", token, row["voucher"], role, row["code"], row["id"], row["region"])
