"""Whether an organisation may act: apply for a voucher, order, open instruments. Asked before anything of that is done.

An organisation that came with the base data has no paper here and counts as checked.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import N_, Refused
from parties.entities import CarrierEntry, Enrolment

_NOT_YET: Final = {
    "draft": N_("你们单位的登记还没交。请先在“我的单位”提交。"),
    "submitted": N_("你们单位的登记正在由县（市、区）核实，通过以后才能办这件事。"),
    "returned": N_("你们单位的登记被退回了。请在“我的单位”照审核意见改好再交。"),
    "refused": N_("你们单位的登记没有通过，不能办这件事。理由在“我的单位”。"),
}
_CLOSED: Final = {
    "suspended": N_("你们单位已暂停开放，恢复以后才能办这件事。原因在“我的单位”。"),
    "withdrawn": N_("你们单位已经退出，不能再办这件事。"),
    "refused": _NOT_YET["refused"],
    "returned": _NOT_YET["returned"],
    "draft": _NOT_YET["draft"],
}


def check_may_act(session: Session, organisation_id: int) -> None:
    """Return if an enterprise or team may apply for vouchers and order; raise `Refused` (standing) while it is not checked."""
    state = session.scalar(select(Enrolment.state).filter_by(organisation_id=organisation_id))
    if state not in (None, "checked"):
        raise Refused("standing", _NOT_YET[state])


def check_is_open(session: Session, organisation_id: int) -> None:
    """Return if a carrier may take orders and open instruments; raise `Refused` (standing) before it is open and while it is suspended."""
    state = session.scalar(select(CarrierEntry.state).filter_by(organisation_id=organisation_id))
    if state not in (None, "open"):
        raise Refused("standing", _CLOSED.get(state, N_("你们单位还在核实或公示，开放以后才能办这件事。")))
