"""Policies under `/api/v1`: what each gives, all versions, a ruling on any deal; for the bureau drafts, what they change, and their simulation.

Reading policies and asking for a ruling needs nobody; drafts belong to the officers of the funder. Money is fen, ratios are decimal strings.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from flask import g
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app import policypages
from app.api import PREFIX, SIGNED, bp
from app.api.orders import ClauseOut, RequestKey
from app.i18n import translate
from core import clock
from core.clock import SHANGHAI
from core.errors import NotFound
from vouchers import diff, drafts, versions
from vouchers.diff import Change
from vouchers.drafts import DRAFT, Edit, PolicyDraft
from vouchers.policy import PolicyVersion, in_force
from vouchers.rules import Clause, Deal, rule
from vouchers.simulate import DEFINITION, Sum

Code = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{2,60}$", max_length=61, description="code of the policy, as yuhuan-2023")]
Number = Annotated[int, Field(ge=1, lt=2**31)]
Fen = Annotated[int, Field(ge=0, le=10**13, description="fen")]
Adcode = Annotated[str, Field(pattern="^[0-9]{6}$")]
Local = Annotated[datetime, AfterValidator(lambda instant: instant.astimezone(SHANGHAI))]
Exclusion = Literal["related_party", "statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year"]


class PolicyPath(BaseModel):
    """Which policy."""

    code: Code


class VersionPath(PolicyPath):
    """Which version of it."""

    number: Number


class DraftPath(BaseModel):
    """Which draft."""

    draft_id: int = Field(ge=1, lt=2**63)


class StepPath(DraftPath):
    """Which draft, and what happens to it."""

    event: str = Field(max_length=20, description="one of: submit, return, discard, rebase, publish")


class RuleQuery(BaseModel):
    """The deal that is asked about; what is left out is not looked at."""

    model_config = ConfigDict(extra="forbid")
    price: Fen
    service: str = Field("test_analysis", max_length=60)
    on: date | None = Field(None, description="day of the contract; left out: today")
    attributes: list[Exclusion] = Field([], max_length=4)
    balance: Fen | None = Field(None, description="free on the voucher")
    used_year: Fen = 0
    group_used: Fen = 0
    region: Adcode | None = Field(None, description="where the holder is registered")
    carrier_region: Adcode | None = None
    fund: str | None = Field(None, max_length=40)


class SimulateQuery(BaseModel):
    """Which orders: of a calendar year, with those that no voucher paid or without."""

    model_config = ConfigDict(extra="forbid")
    year: int | None = Field(None, ge=2000, le=2199, description="left out: last calendar year")
    own: bool = False


class DraftBody(BaseModel):
    """The whole text of the next version, why, and the `row_version` of the draft that it was made from."""

    body: dict[str, Any] = {}
    reason: str = Field("", max_length=500)
    row_version: int = Field(-1, ge=-1, lt=2**31)


class StepBody(BaseModel):
    """`row_version` for submit and publish, `reason` for return and discard."""

    row_version: int = Field(-1, ge=-1, lt=2**31)
    reason: str = Field("", max_length=500)


class PolicyOut(BaseModel):
    """A policy: its newest version, and the number of the one in force today."""

    code: str
    title: str
    region: str
    funder: str
    version: int
    in_force: int | None
    links: dict[str, str]


class Policies(BaseModel):
    """All policies."""

    items: list[PolicyOut]


class VersionOut(BaseModel):
    """One immutable version; `body` is the whole text, `src` in it names the source of each value."""

    code: str
    version: int
    title: str
    valid_from: date
    valid_to: date | None
    published_at: Local
    body: dict[str, Any]


class Versions(BaseModel):
    """All versions of a policy, the newest first."""

    items: list[VersionOut]


class LayerOut(BaseModel):
    """What one funder pays."""

    model_config = ConfigDict(from_attributes=True)
    funder: str
    policy: str
    amount: int
    clause: str


class RulingOut(BaseModel):
    """The voucher part in fen, the clauses that were looked at, and who pays which layer."""

    policy: str
    version: int
    amount: int
    clauses: list[ClauseOut]
    layers: list[LayerOut]


class ChangeOut(BaseModel):
    """One clause that the draft says otherwise."""

    path: str
    before: Any
    after: Any
    source_before: str
    source: str
    assumed: bool


class DraftOut(BaseModel):
    """A draft with what it changes; `links`: itself, its simulation and the steps from here."""

    id: int
    policy: str
    base_version: int
    state: str
    row_version: int
    reason: str
    body: dict[str, Any]
    changes: list[ChangeOut]
    published: int | None = Field(description="number of the version that was made from it")
    links: dict[str, str]


class SumOut(BaseModel):
    """Orders that belong together, fen."""

    model_config = ConfigDict(from_attributes=True)
    key: str
    orders: int
    paid: int
    before: int
    after: int
    more: int
    less: int


class RefusedOut(BaseModel):
    """Orders that the draft refuses and today's version does not."""

    clause: str
    orders: list[str]


class SimulationOut(BaseModel):
    """What the draft would have paid; `holds` says whether the year's budget suffices, None where there was none."""

    as_of: Local
    definition: list[str]
    year: int
    against_version: int | None
    total: SumOut
    budget: int | None
    cost: int
    holds: bool | None
    short_on: date | None
    layers: dict[str, int]
    by_region: list[SumOut]
    by_service: list[SumOut]
    by_size: list[SumOut]
    refused: list[RefusedOut]


@bp.get("/policies", responses={200: Policies})
def policies() -> dict[str, Any]:
    """List every policy."""
    return Policies(items=[_policy(one) for one in versions.newest_of_each(g.session)]).model_dump(mode="json")


@bp.get("/policies/<code>", responses={200: PolicyOut})
def policy(path: PolicyPath) -> dict[str, Any]:
    """Show one policy."""
    return _policy(versions.versions_of(g.session, path.code)[0]).model_dump(mode="json")


@bp.get("/policies/<code>/versions", responses={200: Versions})
def policy_versions(path: PolicyPath) -> dict[str, Any]:
    """List all versions of a policy."""
    return Versions(items=[_version(one) for one in versions.versions_of(g.session, path.code)]).model_dump(mode="json")


@bp.get("/policies/<code>/versions/<int:number>", responses={200: VersionOut})
def policy_version(path: VersionPath) -> dict[str, Any]:
    """Show one version."""
    return _version(versions.version_of(g.session, path.code, path.number)).model_dump(mode="json")


@bp.get("/policies/<code>/rule", responses={200: RulingOut})
def policy_rule(path: PolicyPath, query: RuleQuery) -> dict[str, Any]:
    """Rule on a deal under the version in force on the day of the contract; nothing is kept."""
    versions.versions_of(g.session, path.code)
    ruling_by = in_force(g.session, path.code, query.on or clock.today(g.session))
    facts = query.model_dump(exclude={"on", "attributes"})
    found = rule(ruling_by.terms, Deal(**facts, attributes=frozenset(query.attributes)))
    clauses = [_clause(one) for one in found.clauses]
    layers = [LayerOut.model_validate(one) for one in found.layers]
    return RulingOut(policy=path.code, version=ruling_by.version, amount=found.amount, clauses=clauses, layers=layers).model_dump(mode="json")


@bp.post("/policies/<code>/drafts", responses={201: DraftOut}, security=SIGNED)
def start_policy_draft(path: PolicyPath, header: RequestKey) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Begin the next version, or get the draft that is open."""
    answer = _draft(drafts.start(g.session, g.actor, policy=path.code, request_id=header.key))
    return answer, 201, {"Location": answer["links"]["self"]}


@bp.get("/policy-drafts/<int:draft_id>", responses={200: DraftOut}, security=SIGNED)
def policy_draft(path: DraftPath) -> dict[str, Any]:
    """Show a draft of your region."""
    return _draft(path.draft_id)


@bp.put("/policy-drafts/<int:draft_id>", responses={200: DraftOut}, security=SIGNED)
def edit_policy_draft(path: DraftPath, header: RequestKey, body: DraftBody) -> dict[str, Any]:
    """Replace the text of a draft."""
    drafts.edit(g.session, g.actor, path.draft_id, Edit(body.body, body.reason, body.row_version), request_id=header.key)
    return _draft(path.draft_id)


@bp.post("/policy-drafts/<int:draft_id>/<event>", responses={200: DraftOut}, security=SIGNED)
def policy_draft_event(path: StepPath, header: RequestKey, body: StepBody) -> dict[str, Any]:
    """Take a draft one step further; `publish` by another reviewer than those who wrote it."""
    more: dict[str, Any] = {"draft_id": path.draft_id, "request_id": header.key}
    drafts.seen_by(g.session, g.actor, path.draft_id)
    if path.event not in _STEPS:
        raise NotFound
    verb, facts = _STEPS[path.event]
    verb(g.session, g.actor, **more, **facts(path.event, body))
    return _draft(path.draft_id)


@bp.get("/policy-drafts/<int:draft_id>/simulation", responses={200: SimulationOut}, security=SIGNED)
def simulate_policy_draft(path: DraftPath, query: SimulateQuery) -> dict[str, Any]:
    """Run a draft over a year's orders; every order is in the CSV of the page."""
    row = drafts.seen_by(g.session, g.actor, path.draft_id)
    year = query.year or clock.today(g.session).year - 1
    found, newest = policypages.simulated(g.session, row, year=year, own_paid=query.own), drafts.newest(g.session, row.policy)
    purse = found.purse
    answer = SimulationOut(
        as_of=clock.now(g.session),
        definition=[translate((text, {})) for text in DEFINITION],
        year=year,
        against_version=newest.version if newest else None,
        total=SumOut.model_validate(found.total),
        budget=purse.adopted,
        cost=purse.cost,
        holds=None if purse.adopted is None else purse.holds,
        short_on=purse.short_on,
        layers=dict(found.layers),
        by_region=_sums(found.by("region")),
        by_service=_sums(found.by("service")),
        by_size=_sums(found.by("size")),
        refused=[RefusedOut(clause=clause.code, orders=[line.order.code for line in lines]) for clause, lines in found.refused],
    )
    return answer.model_dump(mode="json")


def _policy(newest: PolicyVersion) -> PolicyOut:
    here = f"{PREFIX}/policies/{newest.policy}"
    try:
        rules: int | None = in_force(g.session, newest.policy, clock.today(g.session)).version
    except NotFound:
        rules = None
    links = {"self": here, "versions": f"{here}/versions", "rule": f"{here}/rule"}
    names = {name: getattr(newest, name) for name in ("title", "region", "funder", "version")}
    return PolicyOut(code=newest.policy, in_force=rules, links=links, **names)


def _version(one: PolicyVersion) -> VersionOut:
    names = {name: getattr(one, name) for name in ("version", "title", "valid_from", "valid_to", "body")}
    return VersionOut(code=one.policy, published_at=one.created_at, **names)


def _clause(one: Clause) -> ClauseOut:
    facts = {name: getattr(one, name) for name in ("code", "outcome", "source", "bound", "assumed")}
    return ClauseOut(title=translate((one.title, {})), detail=translate((one.detail, dict(one.params))), **facts)


def _draft(draft_id: int) -> dict[str, Any]:
    row = drafts.seen_by(g.session, g.actor, draft_id)
    base = versions.version_of(g.session, row.policy, row.base_version) if row.base_version else None
    changes = diff.compare(base.terms if base else None, drafts.terms_of(row))
    made = g.session.get(PolicyVersion, row.published_id) if row.published_id else None
    names = {name: getattr(row, name) for name in ("id", "policy", "base_version", "state", "row_version", "reason", "body")}
    answer = DraftOut(changes=[_change(one) for one in changes], published=made.version if made else None, links=_links(row), **names)
    return answer.model_dump(mode="json")


def _change(one: Change) -> ChangeOut:
    before = one.before
    return ChangeOut(
        path=one.path,
        before=before.value if before else None,
        after=one.after.value,
        source_before=before.source if before else "",
        source=one.after.source,
        assumed=one.after.assumed,
    )


def _links(row: PolicyDraft) -> dict[str, str]:
    here = f"{PREFIX}/policy-drafts/{row.id}"
    steps = [arrow.event for arrow in DRAFT if arrow.state == row.state and g.actor.role in arrow.roles and arrow.event != "edit"]
    return {"self": here, "simulation": f"{here}/simulation", **{event: f"{here}/{event}" for event in steps}}


def _sums(found: tuple[Sum, ...]) -> list[SumOut]:
    return [SumOut.model_validate(one) for one in found]


def _seen(_event: str, body: StepBody) -> dict[str, Any]:
    return {"seen": body.row_version}


def _told(event: str, body: StepBody) -> dict[str, Any]:
    return {"event": event, "reason": body.reason}


_STEPS: Final[dict[str, tuple[Callable[..., int], Callable[[str, StepBody], dict[str, Any]]]]] = {
    "submit": (drafts.submit, _seen),
    "publish": (drafts.publish_draft, _seen),
    "rebase": (drafts.rebase, lambda _event, _body: {}),
    "return": (drafts.turn, _told),
    "discard": (drafts.turn, _told),
}
"""Event → its verb and what of the body it takes."""
