"""People and how we know them: accounts, memberships, log-in sessions, bearer tokens, and the brake on guessing.

Secrets are stored as hashes only. Instants are `core.clock.now`. Which of the people may do what is left to `app.access`; the pages are
in `app.views.auth`.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Final, cast
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Request
from flask import session as cookie
from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.errors import LogInNeeded, Throttled
from core.actor import PUBLIC, Actor, Role
from core.clock import now
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Invalid, NotFound
from geodata.organisations import Organisation

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
TOKEN_LIFE: Final = timedelta(days=30)
WINDOW: Final = timedelta(minutes=15)
LIMITS: Final = {"login and address": 5, "login": 20, "address": 30}
"""Failed attempts within `WINDOW`. The first keeps a stranger elsewhere from locking a person out; the others stop guessing at large."""

_PASSWORD: Final = (8, 128)
_COMMON: Final = frozenset(
    [
        "12345678",
        "123456789",
        "1234567890",
        "password",
        "password1",
        "qwertyuiop",
        "11111111",
        "88888888",
        "00000000",
        "iloveyou",
        "a1234567",
        "abcd1234",
    ]
)
_TOUCH: Final = timedelta(minutes=1)
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP password storage: argon2id, 19 MiB, t=2, p=1


class User(Base):
    """A person who can log in. Without a password hash only tokens work."""

    __tablename__ = "app_user"
    id: Mapped[BigId]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    locale: Mapped[str | None]
    is_sample: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Created]


class Membership(Base):
    """A person in one role of one organisation; `region` is the adcode within which an officer acts, `is_admin` lets invite and remove members."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("user_id", "organisation_id", "role"),
        CheckConstraint("role IN ('enterprise','carrier','reviewer','finance','auditor','planner')", name="role"),
        CheckConstraint("role NOT IN ('reviewer','finance') OR region IS NOT NULL", name="officer_region"),
    )
    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str]
    region: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"))
    is_admin: Mapped[bool] = mapped_column(default=False)


class LoginSession(Base):
    """A log-in of one browser: kept here, so that it can be ended here. `id` is the hash of what the cookie holds."""

    __tablename__ = "login_session"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("membership.id"))
    created: Mapped[Instant]
    last_seen: Mapped[Instant]
    ends: Mapped[Instant]


class LoginAttempt(Base):
    """An attempt to log in; login and address as keyed hashes, since who tries from where is personal."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "login", "at"), Index(None, "address", "at"), Index(None, "at"))
    id: Mapped[BigId]
    at: Mapped[Instant]
    login: Mapped[str]
    address: Mapped[str]
    failed: Mapped[bool] = mapped_column(default=True)


class ApiToken(Base):
    """A bearer token for programs: one membership, one end. `id` is the hash of the token."""

    __tablename__ = "api_token"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"))
    created: Mapped[Instant]
    expires: Mapped[Instant]


_PERSON: Final = (
    select(User.login, User.name, User.locale, Membership.id.label("seat"), Membership.role, Membership.organisation_id)
    .add_columns(Organisation.name_zh.label("organisation"), Membership.region)
    .outerjoin(Membership, Membership.user_id == User.id)
    .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
    .order_by(Membership.id)
)


@dataclass(frozen=True)
class Credentials:
    """What somebody typed to log in, and the network address it came from."""

    login: str
    password: str
    address: str


@dataclass(frozen=True)
class Seat:
    """One membership of a person, with the organisation's name."""

    id: int
    role: Role
    organisation_id: int
    organisation: str
    region: str | None


@dataclass(frozen=True)
class Person:
    """Who is logged in: the account, all seats, and the seat acted from (None without any membership)."""

    id: int
    login: str
    name: str
    locale: str | None
    seats: tuple[Seat, ...]
    seat: Seat | None

    @property
    def actor(self) -> Actor:
        """What the domain knows of this person."""
        if self.seat is None:
            return Actor("public", user_id=self.id, name=self.name)
        return Actor(self.seat.role, self.id, self.seat.organisation_id, self.seat.region, self.name)


@dataclass(frozen=True)
class Visit:
    """Who sends this request; `bearer` says that it came with a token, not with a cookie."""

    actor: Actor = PUBLIC
    person: Person | None = None
    bearer: bool = False


def add_user(session: Session, login: str, *, name: str, password: str | None = None, is_sample: bool = False) -> User:
    """Add an account and return it; raises `Invalid` for a password that is too short, too long, too common or the login itself."""
    user = User(login=_login(login), name=name, is_sample=is_sample, password_hash=hash_password(password, _login(login)) if password else None)
    session.add(user)
    session.flush()
    return user


def add_membership(session: Session, user: User, *, organisation_id: int, role: Role, region: str | None = None) -> Membership:
    """Give `user` a role in an organisation; `region` (adcode) bounds an officer."""
    membership = Membership(user_id=user.id, organisation_id=organisation_id, role=role, region=region)
    session.add(membership)
    session.flush()
    return membership


def hash_password(password: str, login: str) -> str:
    """Return the argon2id hash of an acceptable password: 8 to 128 characters of any kind, not common, not the login; else `Invalid`."""
    least, most = _PASSWORD
    if not least <= len(password) <= most:
        raise Invalid("password", N_("密码要有 %(least)s 到 %(most)s 个字符。"), least=least, most=most)
    if password.lower() in _COMMON or password.lower() == login:
        raise Invalid("password", N_("这个密码太常见，或者和账号一样。请换一个。"))
    return _HASHER.hash(normalize("NFC", password))


def log_in(session: Session, given: Credentials, *, secret: str) -> str:
    """Open a new log-in session and return its token; raises `Throttled`, or `LogInNeeded` alike for wrong login and wrong password.

    `secret` keys the hashes of login and address. Commits the attempt before it looks at the password, so that a storm of guesses at the
    same moment counts itself.
    """
    login, address = _keyed(secret, _login(given.login)), _keyed(secret, given.address)
    _forget_old(session)
    session.execute(insert(LoginAttempt).values(at=now(session), login=login, address=address))
    session.commit()
    _brake(session, login=login, address=address)
    user = _recognised(session, given)
    if user is None:
        raise LogInNeeded(N_("账号或密码不对。"))
    session.execute(update(LoginAttempt).where(LoginAttempt.login == login).values(failed=False))
    return _open(session, user)


def open_session(session: Session, user: User) -> str:
    """Open a log-in session for somebody who was recognised just now, e.g. by registering, and return its token."""
    return _open(session, user)


def log_out(session: Session, token: str) -> None:
    """End the log-in session of `token` on the server: a copy of the cookie is worth nothing afterwards."""
    session.execute(update(LoginSession).where(LoginSession.id == _digest(token)).values(ends=now(session)))


def end_sessions(session: Session, user_id: int) -> None:
    """End all log-in sessions and tokens of a person, for a changed password, a lost device or a departure."""
    session.execute(update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.ends > now(session)).values(ends=now(session)))
    session.execute(update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.expires > now(session)).values(expires=now(session)))


def take_seat(session: Session, token: str, *, seat_id: int) -> None:
    """Act from another membership of the same person from now on; raises `NotFound` for somebody else's."""
    login = session.get(LoginSession, _digest(token))
    seat = session.get(Membership, seat_id)
    if login is None or seat is None or seat.user_id != login.user_id:
        raise NotFound
    login.membership_id = seat.id
    session.flush()


def issue_token(session: Session, membership: Membership, *, life: timedelta = TOKEN_LIFE) -> str:
    """Return a new bearer token for a membership; only its hash is kept, so it is shown this once."""
    token = "irm_" + secrets.token_urlsafe(32)
    at = now(session)
    session.add(ApiToken(id=_digest(token), user_id=membership.user_id, membership_id=membership.id, created=at, expires=at + life))
    session.flush()
    return token


def visit_of(session: Session, request: Request) -> Visit:
    """Return who sends `request`: by bearer token if there is one (`LogInNeeded` when it is not valid), else by cookie, else the public."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        person = _by_token(session, bearer.strip())
        if person is None:
            raise LogInNeeded(N_("这个令牌不对，或者已经过期。请换一个新的。"))
        return Visit(person.actor, person, bearer=True)
    person = _by_cookie(session, cookie["login"]) if "login" in cookie else None
    return Visit(person.actor, person) if person else Visit()


def person_of(session: Session, user_id: int, *, seat_id: int | None = None) -> Person | None:
    """Return the person of an account that is not disabled, sitting at `seat_id` or else at the first membership."""
    rows = session.execute(_PERSON.where(User.id == user_id, ~User.disabled)).all()
    if not rows:
        return None
    seats = tuple(
        Seat(id=row.seat, role=cast("Role", row.role), organisation_id=row.organisation_id, organisation=row.organisation, region=row.region)
        for row in rows
        if row.seat is not None
    )
    seat = next((seat for seat in seats if seat.id == seat_id), seats[0] if seats else None)
    return Person(user_id, rows[0].login, rows[0].name, rows[0].locale, seats, seat)


def _by_cookie(session: Session, token: str) -> Person | None:
    at = now(session)
    alive = (LoginSession.id == _digest(token), LoginSession.ends > at, LoginSession.last_seen > at - IDLE)
    row = session.execute(select(LoginSession.user_id, LoginSession.membership_id, LoginSession.last_seen).where(*alive)).one_or_none()
    if row is None:
        return None
    if row.last_seen < at - _TOUCH:
        # Committed on its own: the lock on this row must not last as long as the request, and a refused request is a sign of life too.
        session.execute(update(LoginSession).where(LoginSession.id == _digest(token)).values(last_seen=at))
        session.commit()
    return person_of(session, row.user_id, seat_id=row.membership_id)


def _by_token(session: Session, token: str) -> Person | None:
    alive = (ApiToken.id == _digest(token), ApiToken.expires > now(session))
    row = session.execute(select(ApiToken.user_id, ApiToken.membership_id).where(*alive)).one_or_none()
    return person_of(session, row.user_id, seat_id=row.membership_id) if row else None


def _forget_old(session: Session) -> None:
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now(session) - timedelta(days=1)))
    session.execute(delete(LoginSession).where(LoginSession.ends < now(session) - timedelta(days=30)))


def _brake(session: Session, *, login: str, address: str) -> None:
    since: ColumnElement[bool] = LoginAttempt.at > now(session) - WINDOW
    counts = (
        ("login and address", (LoginAttempt.login == login, LoginAttempt.address == address)),
        ("login", (LoginAttempt.login == login,)),
        ("address", (LoginAttempt.address == address,)),
    )
    for name, which in counts:
        seen = session.scalar(select(func.count()).select_from(LoginAttempt).where(since, LoginAttempt.failed, *which)) or 0
        if seen > LIMITS[name]:
            minutes = int(WINDOW.total_seconds() // 60)
            raise Throttled(N_("试得太多次了。请过 %(minutes)s 分钟再登录，或者找管理员重设密码。"), retry_after=minutes * 60, minutes=minutes)


def _recognised(session: Session, given: Credentials) -> User | None:
    """Return the account if login and password fit; the same work is done whether or not the login exists."""
    user = session.scalars(select(User).where(User.login == _login(given.login), ~User.disabled)).one_or_none()
    stored = user.password_hash if user and user.password_hash else _decoy()
    try:
        _HASHER.verify(stored, normalize("NFC", given.password[: _PASSWORD[1] + 1]))
    except (VerificationError, InvalidHashError):
        return None
    return user if user and user.password_hash else None


def _open(session: Session, user: User) -> str:
    token, at = secrets.token_urlsafe(32), now(session)
    person = person_of(session, user.id)
    seat = person.seat.id if person and person.seat else None
    session.add(LoginSession(id=_digest(token), user_id=user.id, membership_id=seat, created=at, last_seen=at, ends=at + ABSOLUTE))
    session.flush()
    return token


def _login(text: str) -> str:
    return normalize("NFKC", text).strip().lower()[:100]


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _keyed(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


@cache
def _decoy() -> str:
    return _HASHER.hash(secrets.token_hex(16))
