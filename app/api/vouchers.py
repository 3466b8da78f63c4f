"""Vouchers under `/api/v1`: what an enterprise has, until when, each fen of one, and what an audit does to it.

Every write carries an Idempotency-Key and answers alike when repeated.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from app.api import SIGNED, bp
from app.api.orders import Local, RequestKey
from core import clock
from core.errors import NotFound
from vouchers import freezing
from vouchers.queries import VoucherRow, statement, steps_of, usable, voucher_of, vouchers_of

_VERBS: Final = {"freeze": freezing.freeze, "unfreeze": freezing.unfreeze, "void": freezing.void}


class VoucherOut(BaseModel):
    """A voucher; face = available + held + used + redeemed + returned + void, fen."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    code: str
    title: str = Field(description="name of the policy")
    policy: str
    funder: str = Field(description="adcode of the region that pays")
    state: str
    issued_on: date
    expires_use: date = Field(description="last day on which it can be used, Asia/Shanghai")
    expires_redeem: date = Field(description="last day on which its use can be claimed, Asia/Shanghai")
    face: int
    available: int
    held: int
    used: int
    redeemed: int
    returned: int
    void: int
    usable: bool = Field(False, description="can pay for an order today")
    is_sample: bool


class Vouchers(BaseModel):
    """All vouchers of an enterprise, the first to expire first."""

    items: list[VoucherOut]


class LineOut(BaseModel):
    """One movement of money of a voucher, fen, by account codes."""

    model_config = ConfigDict(from_attributes=True)
    at: Local
    business_date: date
    kind: str
    amount: int
    source: str
    destination: str
    reference: str | None


class ChangeOut(BaseModel):
    """One change of its state, and why."""

    model_config = ConfigDict(from_attributes=True)
    at: Local
    event: str
    role: str
    before: str
    after: str
    reason: str


class VoucherDetail(VoucherOut):
    """A voucher with every movement of its money and every change of its state."""

    statement: list[LineOut]
    steps: list[ChangeOut]


class VoucherPath(BaseModel):
    """Which voucher."""

    voucher_id: Annotated[int, Field(ge=1, lt=2**63)]


class VoucherStep(VoucherPath):
    """Which voucher, and what is done to it."""

    event: str = Field(description="freeze or unfreeze (auditor), void (reviewer of the funder or its city), transfer (always refused)")


class Grounds(BaseModel):
    """Why; the holder can read it."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=500)


@bp.get("/vouchers", responses={200: Vouchers}, security=SIGNED)
def vouchers() -> dict[str, Any]:
    """List the vouchers of your enterprise."""
    rows = vouchers_of(g.session, g.actor.organisation_id)
    alive = {row.id for row in usable(rows, clock.today(g.session))}
    items = [VoucherOut.model_validate(row).model_copy(update={"usable": row.id in alive}) for row in rows]
    return Vouchers(items=items).model_dump(mode="json")


@bp.get("/vouchers/<int:voucher_id>", responses={200: VoucherDetail}, security=SIGNED)
def voucher(path: VoucherPath) -> dict[str, Any]:
    """Show one voucher of yours, or of the region in which you are an officer, with each fen of it."""
    return _detail(voucher_of(g.session, g.actor, path.voucher_id)).model_dump(mode="json")


@bp.post("/vouchers/<int:voucher_id>/<event>", responses={200: VoucherDetail}, security=SIGNED)
def voucher_event(path: VoucherStep, header: RequestKey, body: Grounds) -> dict[str, Any]:
    """Freeze, unfreeze or void a voucher; giving it to another holder is refused in every state."""
    if path.event == "transfer":
        freezing.transfer(g.session, g.actor, voucher_id=path.voucher_id)
    verb = _VERBS.get(path.event)
    if verb is None:
        raise NotFound
    voucher_of(g.session, g.actor, path.voucher_id)
    verb(g.session, g.actor, voucher_id=path.voucher_id, reason=body.reason, request_id=header.key)
    return _detail(voucher_of(g.session, g.actor, path.voucher_id)).model_dump(mode="json")


def _detail(row: VoucherRow) -> VoucherDetail:
    plain = VoucherOut.model_validate(row).model_copy(update={"usable": bool(usable([row], clock.today(g.session)))})
    lines = [LineOut.model_validate(line) for line in statement(g.session, row.id)]
    return VoucherDetail(**plain.model_dump(), statement=lines, steps=[ChangeOut.model_validate(step) for step in steps_of(g.session, row.id)])
