"""Members of an organisation: an administrator invites by a link that works once, and removes; a member works in the organisation's role.

The secret of a link is stored as a hash only. What an officer who is a member elsewhere may not decide is held by the verbs of the papers.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, cast

from sqlalchemy import CheckConstraint, ForeignKey, delete, exists, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.accounts import ApiToken, LoginSession, Membership, User, add_membership
from bookings import saved
from core.actor import SYSTEM, Actor, Role
from core.audit import Arrow, born, move, record
from core.clock import now
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.organisations import Organisation

LIFE: Final = timedelta(days=7)
MOST_OPEN: Final = 50
"""Open invitations of one organisation at a time."""

INVITATION: Final = (
    Arrow("open", "accept", "accepted", ("system",)),
    Arrow("open", "revoke", "revoked", ("enterprise", "carrier", "reviewer", "finance", "auditor", "planner")),
)


class Invitation(Base):
    """A link that makes its bearer a member, once, until `expires`: bound to organisation, role, region and whether it makes an administrator."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("state IN ('open','accepted','revoked')", name="state"),)
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    secret: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    region: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"))
    is_admin: Mapped[bool]
    state: Mapped[str] = mapped_column(default="open")
    row_version: Mapped[int] = mapped_column(default=0)
    expires: Mapped[Instant]
    created_by: Mapped[int | None]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    used_at: Mapped[Instant | None]
    created_at: Mapped[Created]


@dataclass(frozen=True)
class Member:
    """One person of an organisation, by membership."""

    id: int
    user_id: int
    name: str
    login: str
    role: Role
    is_admin: bool


def is_admin(session: Session, actor: Actor) -> bool:
    """Say whether the actor is an administrator of the organisation it acts for."""
    seat = (Membership.user_id == actor.user_id, Membership.organisation_id == actor.organisation_id, Membership.role == actor.role)
    return bool(session.scalar(select(exists().where(*seat, Membership.is_admin))))


def invite(session: Session, actor: Actor, *, as_admin: bool) -> str:
    """Return the secret of a new invitation into the actor's organisation, in the actor's own role and region; shown this once.

    Raises `Forbidden` for anybody but an administrator, `Refused` (invitations) when too many are open.
    """
    _require_admin(session, actor)
    session.execute(select(Organisation.id).where(Organisation.id == actor.organisation_id).with_for_update(key_share=True))
    if len(open_invitations(session, actor)) >= MOST_OPEN:
        raise Refused("invitations", N_("没用过的邀请太多了，最多 %(most)s 个。请先收回几个。"), most=MOST_OPEN)
    secret = secrets.token_urlsafe(24)
    row = Invitation(organisation_id=actor.organisation_id, secret=_digest(secret), role=actor.role, region=actor.region, created_by=actor.user_id)
    row.is_admin, row.expires = as_admin, now(session) + LIFE
    born(session, actor, row, "invite", detail={"role": actor.role, "admin": as_admin})
    return secret


def revoke(session: Session, actor: Actor, *, invitation_id: int) -> None:
    """Take an open invitation of the actor's organisation back; raise `NotFound` for another's, `Forbidden`, `Refused` (state)."""
    row = session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound
    _require_admin(session, actor)
    move(session, actor, row, INVITATION, "revoke")


def invitation_of(session: Session, secret: str, *, lock: bool = False) -> tuple[Invitation, Organisation]:
    """Return an invitation that can be used now and its organisation; raise `NotFound` for an unknown one, `Refused` (invitation) for a dead one."""
    query = select(Invitation).filter_by(secret=_digest(secret))
    row = session.scalars(query.with_for_update() if lock else query, execution_options={"populate_existing": True}).one_or_none()
    if row is None:
        raise NotFound
    if row.state == "accepted":
        raise Refused("invitation", N_("这个邀请已经用过了，一个链接只能用一次。请让管理员再发一个。"))
    if row.state == "revoked" or row.expires <= now(session):
        raise Refused("invitation", N_("这个邀请已经失效。请让管理员再发一个。"))
    return row, session.get_one(Organisation, row.organisation_id)


def accept(session: Session, user: User, *, secret: str) -> Membership:
    """Make `user` a member by the invitation, which ends with it; raise what `invitation_of` raises, `Refused` (member) for one who is."""
    row, owner = invitation_of(session, secret, lock=True)
    role = cast("Role", row.role)
    if session.scalar(select(exists().where(Membership.user_id == user.id, Membership.organisation_id == owner.id, Membership.role == role))):
        raise Refused("member", N_("你已经是这个单位的人了。邀请没有用掉，可以给别人。"))
    found = add_membership(session, user, organisation_id=owner.id, role=role, region=row.region)
    found.is_admin, row.used_by, row.used_at = row.is_admin, user.id, now(session)
    move(session, SYSTEM, row, INVITATION, "accept", detail={"membership": found.id, "user": user.id})
    return found


def join_first(session: Session, user: User, *, organisation_id: int, role: Role) -> Membership:
    """Make `user` the first member and administrator of an organisation that was just registered."""
    found = add_membership(session, user, organisation_id=organisation_id, role=role)
    found.is_admin = True
    session.flush()
    return found


def remove(session: Session, actor: Actor, *, membership_id: int) -> None:
    """Remove a member: seat, tokens and what was kept for this organisation end at once.

    Raises `NotFound` for another's, `Forbidden`, `Refused` (self) for oneself.
    """
    row = _all_locked(session, actor, membership_id)[membership_id]
    if row.user_id == actor.user_id:
        raise Refused("self", N_("不能移出自己。请另一位管理员来办。"))
    session.execute(delete(ApiToken).where(ApiToken.membership_id == row.id))
    session.execute(update(LoginSession).where(LoginSession.membership_id == row.id).values(membership_id=None))
    saved.drop_all(session, Actor("enterprise", row.user_id, row.organisation_id))
    record(session, actor, "membership", row.id, "remove", before=row.role, detail={"user": row.user_id})
    session.delete(row)
    session.flush()


def change_admin(session: Session, actor: Actor, *, membership_id: int, admin: bool) -> None:
    """Make a member an administrator or a plain member; raise `NotFound` for another's, `Forbidden`, `Refused` (last) for the last administrator."""
    everybody = _all_locked(session, actor, membership_id)
    row = everybody[membership_id]
    if row.is_admin == admin:
        return
    if not admin and sum(other.is_admin for other in everybody.values()) == 1:
        raise Refused("last", N_("这是最后一位管理员，要留一位。请先设另一位管理员。"))
    row.is_admin = admin
    record(session, actor, "membership", row.id, "admin" if admin else "member", detail={"user": row.user_id})
    session.flush()


def members_of(session: Session, organisation_id: int) -> list[Member]:
    """Return the members of an organisation, administrators first."""
    query = select(Membership.id, User.id, User.name, User.login, Membership.role, Membership.is_admin).join(User, User.id == Membership.user_id)
    rows = session.execute(query.where(Membership.organisation_id == organisation_id).order_by(Membership.is_admin.desc(), Membership.id).limit(500))
    return [Member(*row[:4], cast("Role", row.role), row.is_admin) for row in rows]


def open_invitations(session: Session, actor: Actor) -> Sequence[Invitation]:
    """Return the invitations of the actor's organisation that can still be used, the newest first."""
    alive = (Invitation.organisation_id == actor.organisation_id, Invitation.state == "open", Invitation.expires > now(session))
    return session.scalars(select(Invitation).where(*alive).order_by(Invitation.id.desc())).all()


def check_login(session: Session, login: str) -> str:
    """Return an acceptable new login; raise `Invalid` (login) for one that is taken or odd."""
    found = login.strip().lower()
    if not (3 <= len(found) <= 60 and found.isascii() and all(c.isalnum() or c in "._@-" for c in found)):
        raise Invalid("login", N_("账号用 3 到 60 个英文字母、数字或 . _ @ -，可以用邮箱。"))
    if session.scalar(select(func.count()).select_from(User).where(User.login == found)):
        raise Invalid("login", N_("这个账号已经有人用了。是你的话，请先登录再来；不是就换一个。"))
    return found


def _all_locked(session: Session, actor: Actor, membership_id: int) -> dict[int, Membership]:
    """Return all members of the actor's organisation by id, locked, with `membership_id` among them and the actor an administrator."""
    query = select(Membership).where(Membership.organisation_id == actor.organisation_id).order_by(Membership.id).with_for_update()
    everybody = {row.id: row for row in session.scalars(query, execution_options={"populate_existing": True})}
    if membership_id not in everybody:
        raise NotFound
    _require_admin(session, actor)
    return everybody


def _require_admin(session: Session, actor: Actor) -> None:
    if actor.organisation_id is None or not is_admin(session, actor):
        raise Forbidden(N_("成员由本单位的管理员管理。"))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
