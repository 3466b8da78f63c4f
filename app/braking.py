"""A brake on what anybody may send without logging in: so many times from one network address within a quarter of an hour.

Addresses are kept as keyed hashes for a day, beside the attempts to log in.
"""

from __future__ import annotations

import hmac
from typing import Final

from flask import current_app, g, request
from sqlalchemy import func, insert, select

from app import db
from app.accounts import WINDOW, LoginAttempt
from app.errors import Throttled
from core.clock import now
from core.errors import N_

MOST: Final = {"register": 20, "object": 10, "invitation": 60}
"""How often one address may do each of these within `WINDOW`; an office of many people has one address."""


def brake(what: str) -> None:
    """Count one attempt, in a transaction of its own, and raise `Throttled` when there were too many from this address."""
    key = f"{what}:{current_app.config['SECRET_KEY']}"
    name, address = (hmac.new(key.encode(), text.encode(), "sha256").hexdigest() for text in (what, request.remote_addr or ""))
    with db.new_session(current_app) as session:
        at = now(session)
        session.execute(insert(LoginAttempt).values(at=at, login=name, address=address, failed=False))
        since = (LoginAttempt.at > at - WINDOW, LoginAttempt.login == name, LoginAttempt.address == address)
        seen = session.scalar(select(func.count()).select_from(LoginAttempt).where(*since)) or 0
        session.commit()
    if seen > MOST[what] and not g.get("person"):
        minutes = int(WINDOW.total_seconds() // 60)
        raise Throttled(N_("从你这里来得太多了。请过 %(minutes)s 分钟再试，填的内容可以先复制下来。"), retry_after=minutes * 60, minutes=minutes)
