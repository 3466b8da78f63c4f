"""Vouchers under `/api/v1`: what the enterprise has, until when, and how much of it is free."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from app.api import SIGNED, bp
from core import clock
from vouchers.queries import usable, vouchers_of


class VoucherOut(BaseModel):
    """A voucher; face = available + held + used + redeemed + returned, fen."""

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
    usable: bool = Field(False, description="can pay for an order today")
    is_sample: bool


class Vouchers(BaseModel):
    """All vouchers of an enterprise, the first to expire first."""

    items: list[VoucherOut]


@bp.get("/vouchers", responses={200: Vouchers}, security=SIGNED)
def vouchers() -> dict[str, Any]:
    """List the vouchers of your enterprise."""
    rows = vouchers_of(g.session, g.actor.organisation_id)
    alive = {row.id for row in usable(rows, clock.today(g.session))}
    items = [VoucherOut.model_validate(row).model_copy(update={"usable": row.id in alive}) for row in rows]
    return Vouchers(items=items).model_dump(mode="json")
