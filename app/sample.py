"""Load a whole sample world: facts, invented organisations and instruments, policies, persons, history. One call, one transaction.

Nobody real acts in it. An invented operator (name 示例账号, log-in `sample-<code>`) stands for every carrier and firm that takes part, also for
the real carriers on which the sample instruments are laid; the persons of `DEMO` are the ones that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts import Membership, User, add_membership, add_user, hash_password
from app.demo import DEMO_PASSWORD, OPERATOR
from bookings.sample import history
from bookings.sampling.cast import Officers, People
from core.actor import Actor, Role
from geodata.loading import copy_rows, load_facts, take_ids
from geodata.organisations import Organisation
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_CARRIERS, DEMO_ENTERPRISES, FUNDERS, HUZHOU, YUHUAN, ZHEJIANG
from geodata.sampling.world import SEED, World, size_named
from vouchers.policy import publish, seed_policies


@dataclass(frozen=True)
class Demo:
    """A person of the sample world who can log in with `DEMO_PASSWORD`: for which organisation (code), in which role, of which region."""

    login: str
    name: str
    role: Role
    organisation: str
    region: str | None = None


@dataclass(frozen=True)
class DemoLogin:
    """A log-in to be shown at the start and on the log-in page."""

    login: str
    password: str
    role: Role
    name: str
    organisation: str


def load(session: Session, size: str, day: date) -> World:
    """Lay the sample world `size` around `day` into an empty database; the same size and day give the same world.

    Flushes and never commits, so that an interrupted load leaves nothing. Raises `Invalid` for an unknown size.
    """
    wanted = size_named(size)
    load_facts(session)
    world = lay(session, size, day=day)
    for policy in seed_policies():
        publish(session, policy)
    people = enrol(session)
    history(session, people, day=day, services=wanted.services, seed=SEED)
    return world


def enrol(session: Session) -> People:
    """Make all accounts of the sample world and return who acts for whom."""
    demo = {entry.login: _demo_actor(session, entry) for entry in DEMO}
    taken = {actor.organisation_id for actor in demo.values() if actor.role in ("enterprise", "carrier")}
    operators = {actor.organisation_id: actor for actor in demo.values() if actor.organisation_id in taken}
    rows = [row for row in session.execute(text(_PARTIES)) if row.id not in taken]
    operators |= {actor.organisation_id: actor for actor in _operators(session, rows)}
    officers = {funder: Officers(*(demo[login] for login in logins)) for funder, logins in DESKS.items()}
    return People({key: actor for key, actor in operators.items() if key is not None}, officers)


def demo_logins(session: Session) -> list[DemoLogin]:
    """Return the log-ins of the sample world in the order of `DEMO`; none where there is no sample world."""
    query = (
        select(User.login, Organisation.name_zh)
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(User.is_sample, User.password_hash.is_not(None), ~User.disabled)
    )
    there = {row.login: row.name_zh for row in session.execute(query)}
    return [DemoLogin(one.login, DEMO_PASSWORD, one.role, one.name, there[one.login]) for one in DEMO if one.login in there]


def _demo_actor(session: Session, entry: Demo) -> Actor:
    key = session.scalars(select(Organisation.id).where(Organisation.code == entry.organisation)).one()
    user = add_user(session, entry.login, name=entry.name, password=DEMO_PASSWORD, is_sample=True)
    add_membership(session, user, organisation_id=key, role=entry.role, region=entry.region)
    return Actor(entry.role, user.id, key, entry.region, entry.name)


def _operators(session: Session, rows: Sequence[Any]) -> list[Actor]:
    """Make one account for each organisation, `sample-<code>` with the demo password: it acted in the history and may act on."""
    secret = hash_password(DEMO_PASSWORD, OPERATOR)
    actors = [
        Actor(cast("Role", row.role), key, row.id, None, f"示例账号 {row.code}")
        for key, row in zip(take_ids(session, User, len(rows)), rows, strict=True)
    ]
    users = [
        {"id": a.user_id, "login": f"{OPERATOR}{row.code}".lower(), "name": a.name, "password_hash": secret, "is_sample": True, "disabled": False}
        for a, row in zip(actors, rows, strict=True)
    ]
    copy_rows(session, User, users)
    copy_rows(session, Membership, [{"user_id": a.user_id, "organisation_id": a.organisation_id, "role": a.role} for a in actors])
    return actors


DEMO: Final = (
    Demo("enterprise", "示例用户 玉环企业", "enterprise", DEMO_ENTERPRISES[0]),
    Demo("enterprise2", "示例用户 长兴企业", "enterprise", DEMO_ENTERPRISES[1]),
    Demo("carrier", "示例用户 湖州载体", "carrier", DEMO_CARRIERS[0]),
    Demo("carrier2", "示例用户 玉环载体", "carrier", DEMO_CARRIERS[1]),
    Demo("reviewer", "示例用户 玉环初审", "reviewer", "SAMPLE-A-331083-KJ", YUHUAN),
    Demo("finance", "示例用户 玉环批准", "finance", "SAMPLE-A-331083-CZ", YUHUAN),
    Demo("finance2", "示例用户 玉环拨付", "finance", "SAMPLE-A-331083-CZ", YUHUAN),
    Demo("auditor", "示例用户 玉环审计", "auditor", "SAMPLE-A-331083-SJ", YUHUAN),
    Demo("reviewer2", "示例用户 湖州初审", "reviewer", "SAMPLE-A-330500-KJ", HUZHOU),
    Demo("finance3", "示例用户 湖州批准", "finance", "SAMPLE-A-330500-CZ", HUZHOU),
    Demo("finance4", "示例用户 湖州拨付", "finance", "SAMPLE-A-330500-CZ", HUZHOU),
    Demo("auditor2", "示例用户 湖州审计", "auditor", "SAMPLE-A-330500-SJ", HUZHOU),
    Demo("planner", "示例用户 省规划", "planner", "SAMPLE-A-330000-KJ", ZHEJIANG),
)
"""Who can log in, in the order in which they are shown."""

DESKS: Final = dict(zip(FUNDERS, (("reviewer", "finance", "finance2"), ("reviewer2", "finance3", "finance4")), strict=True))
"""Who reviews, approves and pays for each funder."""

_PARTIES: Final = """
SELECT o.id, o.code, CASE o.kind WHEN 'carrier' THEN 'carrier' ELSE 'enterprise' END AS role FROM organisation o
WHERE o.is_sample AND o.kind IN ('enterprise', 'team')
   OR o.kind = 'carrier' AND EXISTS (SELECT FROM instrument i WHERE i.organisation_id = o.id AND i.is_sample)
ORDER BY o.code
"""
