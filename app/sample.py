"""Load a whole sample world: facts, invented organisations and instruments, policies, persons, history. One call, one transaction.

`app.laying` does the same step by step, for worlds that take minutes. Nobody real acts in it. An invented operator (name 示例账号, log-in
`sample-<code>`) stands for every carrier and firm that takes part, also for the real carriers on which the sample instruments are laid; the
persons of `DEMO` are the ones that are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts import Membership, User, add_membership, add_user, hash_password
from app.demo import DEMO_PASSWORD, OPERATOR
from app.joinsample import lay_accreditations, lay_joining, make_admins
from app.needsample import lay_needs
from app.searchsample import lay_searches
from bookings import records
from bookings.sample import calendar, history
from bookings.sampling.cast import is_told
from bookings.sampling.policies import county_policies, sample_policies, zone, zone_policy
from core import clock
from core.actor import SYSTEM, Role
from geodata.bulk import NULL, copy_columns, take_block
from geodata.loading import load_facts
from geodata.organisations import Organisation
from geodata.regions import Region, is_within
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_CARRIERS, DEMO_ENTERPRISES, DEMO_FUNDERS, HUZHOU, YUHUAN, ZHEJIANG, funders
from geodata.sampling.world import World, lands
from matching.speclimits import read_all
from vouchers.budgets import adopt
from vouchers.policy import Policy, PolicyVersion, publish, seed_policies


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
    load_facts(session)
    world = lay(session, size, day=day)
    publish_policies(session, [land.province for land in lands(size)])
    enrol(session)
    for land in lands(size):
        history(session, land.province, day=day, size=land.size, seed=world.seed)
        calendar(session, land.province, day=day, seed=world.seed)
    give_budgets(session, [land.province for land in lands(size)])
    read_all(session)
    records.refresh(session)
    lay_searches(session, world)
    world.finished_at = session.scalar(select(func.clock_timestamp()))
    session.flush()
    return world


def publish_policies(session: Session, provinces: Sequence[str]) -> None:
    """Publish the seeds, and a sample policy for every funder of these provinces that has none among them that one funder pays.

    At home every county and one zone also have a policy of their own.
    """
    seeds, staffed = list(seed_policies()), funders(session, provinces)
    known = frozenset(seed.region for seed in seeds if seed.issues and not seed.cofunding)
    for policy in (*seeds, *sample_policies(staffed, known)):
        _publish(session, policy)
    if ZHEJIANG in provinces:
        _publish_local(session, known | staffed.keys())


def _publish_local(session: Session, known: frozenset[str]) -> None:
    """Publish the policies of the counties and the zone of the home province."""
    if session.get(Region, zone().adcode) is None:
        session.add(zone())
        session.flush()
    for policy in (*county_policies(_counties(session), known), zone_policy()):
        _publish(session, policy)


def _publish(session: Session, policy: Policy) -> None:
    """Publish a policy on the first day on which it is valid."""
    with _at(session, policy.valid_from):
        publish(session, policy)


@contextmanager
def _at(session: Session, day: date) -> Iterator[None]:
    """Let it be half past nine of a day of the past: nothing in the sample world happens on the day on which it is laid."""
    before = session.info.get("now")
    session.info["now"] = datetime.combine(day, time(9, 30), clock.SHANGHAI)
    try:
        yield
    finally:
        session.info.pop("now")
        session.info |= {"now": before} if before else {}


def _eve(session: Session) -> date:
    """Return the day before the day of the world: a load that is broken off and gone on with tells the same times."""
    return (session.scalar(select(World.day).limit(1)) or clock.today(session)) - timedelta(days=1)


def give_budgets(session: Session, provinces: Sequence[str]) -> None:
    """Give the policies of the home province that begin without a history the money of this year, co-funders theirs; after all histories."""
    if ZHEJIANG not in provinces:
        return
    with _at(session, _eve(session)):
        lay_joining(session)
        lay_needs(session)
    query = select(PolicyVersion).where(PolicyVersion.region.startswith(ZHEJIANG[:2]), PolicyVersion.body["issuance"].astext != "none")
    versions = [version for version in session.scalars(query.order_by(PolicyVersion.policy)) if not is_told(version.terms)]
    counties = _counties(session)
    with _at(session, clock.today(session).replace(month=1, day=1)):
        for version in versions:
            inside = [adcode for adcode in counties if version.terms.cofunding and is_within(adcode, version.region)]
            for funder in ("", *inside):
                _give(session, version, funder)


def _counties(session: Session) -> dict[str, str]:
    return {row.adcode: row.name_zh for row in session.execute(text(_COUNTIES), {"inside": f"{ZHEJIANG[:2]}%"})}


def _give(session: Session, version: PolicyVersion, funder: str) -> None:
    """Give a policy without a history, and each of its purses, the money of this year; the first purse is the policy's own budget."""
    year = clock.today(session).year
    for fund in ["", *(one.code for one in version.terms.funds[1:])]:
        key = f"sample/{version.policy}/{funder}/{fund}/{year}"
        adopt(session, SYSTEM, version=version, year=year, amount=_LOCAL_BUDGET, request_id=key, fund=fund, funder=funder)


def enrol(session: Session) -> None:
    """Make all accounts of the sample world: the demo persons, officers of every funder, an operator of everybody who takes part."""
    taken = {_add_demo(session, entry) for entry in DEMO}
    parties = [row for row in session.execute(text(_PARTIES)) if row.id not in taken]
    officers = [row for row in session.execute(text(_OFFICERS), {"demo": list(DEMO_FUNDERS)}) if row.id not in taken]
    _add_operators(session, [*parties, *officers])
    make_admins(session)
    with _at(session, _eve(session)):
        lay_accreditations(session)


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


def _add_demo(session: Session, entry: Demo) -> int:
    """Make the account of a demo person and return for which organisation it acts."""
    key = session.scalars(select(Organisation.id).where(Organisation.code == entry.organisation)).one()
    user = add_user(session, entry.login, name=entry.name, password=DEMO_PASSWORD, is_sample=True)
    add_membership(session, user, organisation_id=key, role=entry.role, region=entry.region)
    return key


def _add_operators(session: Session, rows: Sequence[Any]) -> None:
    """Make one account a row, `sample-<code>` with the demo password: it acted in the history and may act on."""
    count = len(rows)
    first, member = take_block(session, User, count), take_block(session, Membership, count)
    codes = [f"{row.code}{row.ending}" for row in rows]
    users: dict[str, Any] = {"id": np.arange(first, first + count), "login": [f"{OPERATOR}{code}".lower() for code in codes]}
    users |= {"name": [f"示例账号 {code}" for code in codes], "password_hash": hash_password(DEMO_PASSWORD, OPERATOR)}
    copy_columns(session, User, users | {"is_sample": True, "disabled": False}, count)
    members: dict[str, Any] = {"id": np.arange(member, member + count), "user_id": users["id"], "role": [row.role for row in rows]}
    members |= {"organisation_id": np.array([row.id for row in rows], dtype=np.int64), "region": [row.region or NULL for row in rows]}
    copy_columns(session, Membership, members, count)


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
    Demo("reviewer3", "示例用户 玉环复核", "reviewer", "SAMPLE-A-331083-KJ", YUHUAN),
    Demo("planner", "示例用户 省规划", "planner", "SAMPLE-A-330000-KJ", ZHEJIANG),
)
"""Who can log in, in the order in which they are shown."""

_PARTIES: Final = """
WITH equipped AS (SELECT DISTINCT organisation_id FROM instrument WHERE is_sample)
SELECT o.id, o.code, '' AS ending, NULL AS region, CASE o.kind WHEN 'carrier' THEN 'carrier' ELSE 'enterprise' END AS role
FROM organisation o LEFT JOIN equipped e ON e.organisation_id = o.id
WHERE o.is_sample AND o.kind IN ('enterprise', 'team') OR o.kind = 'carrier' AND e.organisation_id IS NOT NULL
ORDER BY o.code
"""

_COUNTIES: Final = "SELECT adcode, name_zh FROM region WHERE level = 'county' AND adcode LIKE :inside ORDER BY adcode"

_LOCAL_BUDGET: Final = 200_000_000
"""Fen a year for each policy that begins without a history: two million yuan."""

_OFFICERS: Final = """
SELECT DISTINCT o.id, o.code, d.ending, o.adcode AS region, d.role FROM organisation o
JOIN (VALUES ('-KJ', '', 'reviewer'), ('-KJ', '-2', 'reviewer'), ('-CZ', '', 'finance'), ('-CZ', '-2', 'finance')) d (office, ending, role)
    ON o.code LIKE '%' || d.office
JOIN policy_version p ON p.funder = o.adcode
WHERE o.kind = 'authority' AND o.is_sample AND NOT o.adcode = ANY(:demo) ORDER BY o.code, d.ending
"""
"""Who reviews (KJ), approves and pays (CZ) for the funders without demo persons."""
