"""Bank accounts of payees: entered by the payee's own people, typed a second time to confirm, retired when a new one is confirmed."""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.actor import Actor
from core.audit import born, move
from core.errors import N_, Forbidden, Invalid, NotFound
from geodata.organisations import Organisation
from vouchers.requests import once
from vouchers.settlement import ACCOUNT, BankAccount

PAYEES = ("enterprise", "carrier")


def plain_number(number: str) -> str:
    """Return an account number in plain figures and capitals, without blanks; raise `Invalid("number")` for what is none."""
    found = "".join(unicodedata.normalize("NFKC", number).split()).upper()
    if not re.fullmatch(r"[0-9A-Z-]{5,40}", found, flags=re.ASCII):
        raise Invalid("number", N_("账号只有数字、字母和短横，5 到 40 位。请照开户单填写。"))
    return found


def enter(session: Session, actor: Actor, *, bank: str, name: str, number: str, request_id: str) -> int:
    """Enter the account of the actor's organisation; it is paid to only after `confirm`. An earlier unconfirmed one is discarded. Return its id."""
    if actor.role not in PAYEES or actor.organisation_id is None:
        raise Forbidden(N_("收款账户由收款单位自己填写。"))
    given = {"bank": _said("bank", bank), "name": _said("name", name), "number": plain_number(number)}

    def act(request: str) -> int:
        owner = _lock_owner(session, actor)
        earlier = session.scalars(select(BankAccount).filter_by(organisation_id=owner.id, state="entered")).one_or_none()
        if earlier is not None:
            move(session, actor, earlier, ACCOUNT, "discard", request_id=request)
        row = BankAccount(organisation_id=owner.id, **given, state="entered", created_by=actor.user_id, is_sample=owner.is_sample)
        born(session, actor, row, "enter", request_id=request)
        return row.id

    return once(session, actor, request_id, "bank_account", content=given, act=act)


def confirm(session: Session, actor: Actor, *, account_id: int, number: str, request_id: str) -> int:
    """Confirm an entered account by typing its number again; the account before it is retired. Return the id.

    Raises `Invalid("number")` when the two numbers differ.
    """
    again = plain_number(number)

    def act(request: str) -> int:
        owner = _lock_owner(session, actor)
        row = session.get(BankAccount, account_id, with_for_update={"key_share": True}, populate_existing=True)
        if row is None or row.organisation_id != owner.id:
            raise NotFound
        if again != row.number:
            raise Invalid("number", N_("两次填写的账号不一样。请对照开户单再填一次。"))
        for old in session.scalars(select(BankAccount).filter_by(organisation_id=owner.id, state="active")):
            if old.id != row.id:
                move(session, actor, old, ACCOUNT, "retire", request_id=request)
        move(session, actor, row, ACCOUNT, "confirm", request_id=request)
        return row.id

    return once(session, actor, request_id, "bank_confirm", content={"account": account_id, "number": again}, act=act)


def active(session: Session, organisation_ids: list[int]) -> dict[int, BankAccount]:
    """Return the confirmed account of each of these organisations that has one."""
    rows = session.scalars(select(BankAccount).where(BankAccount.organisation_id.in_(organisation_ids), BankAccount.state == "active"))
    return {row.organisation_id: row for row in rows}


def accounts_of(session: Session, organisation_id: int) -> dict[str, BankAccount]:
    """Return an organisation's accounts that count: state ("active", "entered") → row."""
    live = BankAccount.state.in_(("active", "entered"))
    return {row.state: row for row in session.scalars(select(BankAccount).where(BankAccount.organisation_id == organisation_id, live))}


def _said(field: str, text: str) -> str:
    found = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 0 < len(found) <= 120 or any(unicodedata.category(sign)[0] == "C" for sign in found):
        raise Invalid(field, N_("请填写，最多 120 个字。"))
    return found


def _lock_owner(session: Session, actor: Actor) -> Organisation:
    """Lock the actor's organisation: two people of it enter accounts one after the other."""
    if actor.role not in PAYEES or actor.organisation_id is None:
        raise NotFound
    found = session.get(Organisation, actor.organisation_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound
    return found
