"""The life of vouchers in plain Python: what the database must agree with after every step. No SQL, no clock, no chance of its own.

Each verb answers "ok" or the clause by which it must be refused, and changes this world in the first case alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from vouchers import chart
from vouchers.lifecycle import add_months

FUNDER, POLICY = "331083", "yuhuan-2023"
PER_APPLICATION, HOLDING, MONTHS, REDEEM_MONTHS = 900, 1_500, 3, 12


@dataclass
class Application:
    holder: int
    amount: int
    year: int
    state: str
    queued: date | None = None


@dataclass
class Voucher:
    holder: int
    face: int
    year: int
    expires_use: date
    expires_redeem: date
    state: str = "active"
    frozen_from: str = ""
    has_expired: bool = False


@dataclass
class Hold:
    voucher: int
    amount: int
    used: int = 0
    state: str = "held"


@dataclass
class Claim:
    hold: int
    amount: int
    state: str = "submitted"
    payout: int = 0


@dataclass
class World:
    """Everything that the money path knows; papers by the id that the database gave them."""

    today: date
    accounts: Counter[str] = field(default_factory=Counter)
    applications: dict[int, Application] = field(default_factory=dict)
    vouchers: dict[int, Voucher] = field(default_factory=dict)
    holds: dict[int, Hold] = field(default_factory=dict)
    claims: dict[int, Claim] = field(default_factory=dict)

    def move(self, source: str, destination: str, amount: int) -> None:
        if amount:
            self.accounts[source] -= amount
            self.accounts[destination] += amount

    def adopt(self, amount: int) -> str:
        self.move(chart.treasury(FUNDER), self.budget(self.today.year), amount)
        return "ok"

    def can_apply(self, holder: int, amount: int) -> str:
        if amount > PER_APPLICATION:
            return "per_application"
        if self.unspent(holder) + amount > HOLDING:
            return "holding"
        return "ok"

    def apply(self, key: int, holder: int, amount: int) -> None:
        self.applications[key] = Application(holder, amount, self.today.year, "draft")
        self.enter(key)

    def enter(self, key: int) -> None:
        """Reserve the money, or join the queue when somebody waits or the budget is short."""
        row = self.applications[key]
        if self.waiting(row.year) or not self.reserve(key):
            row.state, row.queued = "waitlisted", self.today

    def reserve(self, key: int) -> bool:
        row = self.applications[key]
        if self.accounts[self.budget(row.year)] < row.amount:
            return False
        row.state, row.queued = "county_review", None
        self.move(self.budget(row.year), chart.reserved(key), row.amount)
        return True

    def waiting(self, year: int) -> list[int]:
        found = [(a.queued, key) for key, a in self.applications.items() if a.state == "waitlisted" and a.year == year]
        return [key for _, key in sorted(found)]

    def serve(self, year: int) -> int:
        served = 0
        for key in self.waiting(year):
            if not self.reserve(key):
                break
            served += 1
        return served

    def can_decide(self, key: int) -> str:
        return "ok" if self.applications[key].state == "county_review" else "state"

    def decide(self, key: int, event: str) -> None:
        row = self.applications[key]
        row.state = {"pass": "issued", "refuse": "refused", "return": "draft"}[event]
        if event != "pass":
            self.move(chart.reserved(key), self.budget(row.year), row.amount)

    def issue(self, key: int, application: int) -> None:
        row, last = self.applications[application], add_months(self.today, MONTHS)
        self.vouchers[key] = Voucher(row.holder, row.amount, row.year, last, add_months(last, REDEEM_MONTHS))
        self.move(chart.reserved(application), chart.available(key), row.amount)

    def can_resume(self, key: int, event: str, holder: int) -> str:
        row = self.applications[key]
        if row.holder != holder:
            return "NotFound"
        fits = {"submit": ("draft",), "withdraw": ("draft", "waitlisted", "county_review")}[event]
        return "ok" if row.state in fits else "state"

    def resume(self, key: int, event: str) -> None:
        row = self.applications[key]
        if event == "submit":
            self.enter(key)
            return
        if row.state == "county_review":
            self.move(chart.reserved(key), self.budget(row.year), row.amount)
        row.state = "withdrawn"

    def can_hold(self, voucher: int, amount: int, holder: int) -> str:
        row = self.vouchers[voucher]
        if row.holder != holder:
            return "NotFound"
        if row.state == "frozen":
            return "frozen"
        if row.state != "active" or self.today > row.expires_use:
            return "expires_use"
        return "ok" if amount <= self.accounts[chart.available(voucher)] else "overdraft"

    def hold(self, key: int, voucher: int, amount: int) -> None:
        self.holds[key] = Hold(voucher, amount)
        self.move(chart.available(voucher), chart.held(voucher), amount)

    def can_release(self, key: int, holder: int) -> str:
        row = self.holds[key]
        if self.vouchers[row.voucher].holder != holder:
            return "NotFound"
        return "ok" if row.state == "held" else "state"

    def release(self, key: int) -> None:
        row = self.holds[key]
        row.state = "released"
        self.move(chart.held(row.voucher), self.home(row.voucher), row.amount)

    def can_use(self, key: int, amount: int, holder: int) -> str:
        row = self.holds[key]
        voucher = self.vouchers[row.voucher]
        if voucher.holder != holder:
            return "NotFound"
        if voucher.state == "frozen":
            return "frozen"
        if not 0 < amount <= row.amount:
            return "hold"
        return "ok" if row.state == "held" else "state"

    def use(self, key: int, amount: int) -> None:
        row = self.holds[key]
        row.state, row.used = "used", amount
        self.move(chart.held(row.voucher), chart.used(row.voucher), amount)
        self.move(chart.held(row.voucher), self.home(row.voucher), row.amount - amount)

    def can_expire(self, key: int) -> str:
        """Say "ok" also when it was done before: the clock's request is answered as the first time."""
        row = self.vouchers[key]
        if row.has_expired:
            return "ok"
        if self.today <= row.expires_use:
            return "expires_use"
        return "ok" if row.state == "active" else "state"

    def expire(self, key: int) -> None:
        row = self.vouchers[key]
        if not row.has_expired:
            row.state, row.has_expired = "expired", True
            self.move(chart.available(key), self.pool(row.year), self.accounts[chart.available(key)])

    def can_claim(self, hold: int, holder: int) -> str:
        row = self.holds[hold]
        voucher = self.vouchers[row.voucher]
        if voucher.holder != holder:
            return "NotFound"
        if any(claim.hold == hold for claim in self.claims.values()):
            return "claimed"
        if voucher.state == "frozen":
            return "frozen"
        if row.state != "used":
            return "hold"
        return "ok" if self.today <= voucher.expires_redeem else "expires_redeem"

    def claim(self, key: int, hold: int) -> None:
        self.claims[key] = Claim(hold, self.holds[hold].used)

    def can_step(self, key: int, event: str, holder: int = 0) -> str:
        row = self.claims[key]
        if event == "approve" and self.accounts[chart.used(self.holds[row.hold].voucher)] < row.amount + self.granted(key):
            return "cash"
        if event == "submit":
            hold = self.holds[row.hold]
            voucher = self.vouchers[hold.voucher]
            wrong = {"NotFound": voucher.holder != holder, "frozen": voucher.state == "frozen", "hold": hold.state != "used"}
            wrong["expires_redeem"] = self.today > voucher.expires_redeem
            if any(wrong.values()):
                return next(name for name, there in wrong.items() if there)
        return "ok" if (row.state, event) in CLAIM_STEPS else "state"

    def step(self, key: int, event: str) -> None:
        self.claims[key].state = CLAIM_STEPS[self.claims[key].state, event]

    def granted(self, key: int) -> int:
        voucher = self.holds[self.claims[key].hold].voucher
        same = [c for k, c in self.claims.items() if k != key and self.holds[c.hold].voucher == voucher and c.state in ("approved", "batched")]
        return sum(claim.amount for claim in same)

    def payable(self) -> list[int]:
        """Return the claims that the next batch takes."""
        return [k for k, c in sorted(self.claims.items()) if c.state == "approved" and self.voucher_of(k).state not in ("frozen", "void")]

    def pay(self, key: int, payout: int) -> None:
        row = self.claims[key]
        row.state, row.payout = "paid", payout
        voucher = self.holds[row.hold].voucher
        self.move(chart.used(voucher), chart.paid(payout), row.amount)
        if self.vouchers[voucher].state in ("active", "expired") and not any(
            self.accounts.get(code, 0) for code in (chart.available(voucher), chart.held(voucher), chart.used(voucher))
        ):
            self.vouchers[voucher].state = "closed"

    def can_recover(self, key: int) -> str:
        return "ok" if self.claims[key].state == "paid" else "state"

    def money_back(self, key: int) -> None:
        row = self.claims[key]
        row.state = "recovered"
        self.move(chart.paid(row.payout), self.pool(self.voucher_of(key).year), row.amount)

    def can_freeze(self, key: int) -> str:
        return "ok" if self.vouchers[key].state in ("active", "expired") else "state"

    def freeze(self, key: int) -> None:
        row = self.vouchers[key]
        row.frozen_from, row.state = row.state, "frozen"

    def can_unfreeze(self, key: int) -> str:
        return "ok" if self.vouchers[key].state == "frozen" else "state"

    def unfreeze(self, key: int) -> None:
        self.vouchers[key].state = self.vouchers[key].frozen_from

    def can_void(self, key: int) -> str:
        if any(c.state == "batched" and self.holds[c.hold].voucher == key for c in self.claims.values()):
            return "claim"
        return "ok" if self.vouchers[key].state == "frozen" else "state"

    def void(self, key: int) -> None:
        """End a voucher: what was not paid goes to the pool with every paper of it, what was paid is asked back."""
        row = self.vouchers[key]
        row.state = "void"
        for code in (chart.available(key), chart.held(key), chart.used(key)):
            self.move(code, self.pool(row.year), self.accounts[code])
        for number, claim in self.claims.items():
            if self.holds[claim.hold].voucher == key:
                open_ = claim.state in ("draft", "submitted", "verified", "approved")
                claim.state = "refused" if open_ else "recovering" if claim.state == "paid" else claim.state
                assert number
        self.end_holds(key, "void")

    def can_close(self, key: int) -> str:
        row = self.vouchers[key]
        if self.today <= row.expires_redeem:
            return "expires_redeem"
        if row.state == "closed":
            return "ok"
        if any(h.voucher == key and h.state == "held" for h in self.holds.values()):
            return "hold"
        if any(self.holds[c.hold].voucher == key and c.state in ("submitted", "verified", "approved", "batched") for c in self.claims.values()):
            return "claim"
        return "ok" if row.state == "expired" else "state"

    def close(self, key: int) -> None:
        if self.vouchers[key].state != "closed":
            self.vouchers[key].state = "closed"
            self.move(chart.used(key), self.pool(self.vouchers[key].year), self.accounts[chart.used(key)])
            self.end_holds(key, "lapsed")

    def end_holds(self, voucher: int, state: str) -> None:
        """Take every open hold whose money was not paid out to `state`."""
        paid = {claim.hold for claim in self.claims.values() if claim.payout}
        for key, row in self.holds.items():
            if row.voucher == voucher and row.state in ("held", "used") and key not in paid:
                row.state = state

    def voucher_of(self, claim: int) -> Voucher:
        return self.vouchers[self.holds[self.claims[claim].hold].voucher]

    def unspent(self, holder: int) -> int:
        mine = sum(self.accounts[code(n)] for n, v in self.vouchers.items() if v.holder == holder for code in (chart.available, chart.held))
        return mine + sum(a.amount for a in self.applications.values() if a.holder == holder and a.state in ("draft", "waitlisted", "county_review"))

    def home(self, voucher: int) -> str:
        row = self.vouchers[voucher]
        usable = row.state in ("active", "frozen") and self.today <= row.expires_use
        return chart.available(voucher) if usable else self.pool(row.year)

    @staticmethod
    def budget(year: int) -> str:
        return chart.budget(FUNDER, POLICY, year)

    @staticmethod
    def pool(year: int) -> str:
        return chart.pool(FUNDER, POLICY, year)

    def picture(self) -> dict[str, object]:
        """Return what the database must show too."""
        papers = {
            "application": {k: (a.state, a.amount) for k, a in self.applications.items()},
            "voucher": {k: (v.state, v.face) for k, v in self.vouchers.items()},
            "hold": {k: (h.state, h.used) for k, h in self.holds.items()},
            "claim": {k: (c.state, c.amount) for k, c in self.claims.items()},
        }
        return {"account": {code: amount for code, amount in self.accounts.items() if amount}, **papers}


CLAIM_STEPS = {
    ("submitted", "check_ok"): "verified",
    ("submitted", "return"): "draft",
    ("submitted", "refuse"): "refused",
    ("draft", "submit"): "submitted",
    ("verified", "approve"): "approved",
}
