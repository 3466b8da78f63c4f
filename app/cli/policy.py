"""`flask policy …`: what a policy grants for a price, and which clauses decide it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.cli.opened import adcode, opened
from core.clock import today
from core.errors import N_, NotFound
from geodata.regions import is_within
from vouchers.policy import Policy, in_force, seed_policies
from vouchers.rules import Clause, Deal, Ruling, rule

command = AppGroup("policy", help="创新券政策 / voucher policies.")

ATTRIBUTES = {
    "related": "related_party",
    "funded": "funded_by_city_project_this_or_last_year",
    "statutory": "statutory_test",
}
"""Flags of `rule` and the attributes of an order that they stand for."""


def policy_named(session: Session, name: str) -> Policy:
    """Return the terms in force today of the policy `name`, else its seed; raise `NotFound` where there is neither."""
    with suppress(NotFound):
        return in_force(session, name, today(session)).terms
    seeds = {policy.id: policy for policy in seed_policies()}
    if name not in seeds:
        raise NotFound(N_("没有政策“%(policy)s”；现有：%(known)s。"), policy=name[:60], known=" ".join(seeds))
    return seeds[name]


def ruled(policy: Policy, deal: Deal, *, region: str | None) -> Ruling:
    """Rule on a deal for a holder registered in `region` (adcode; default: the policy's own)."""
    if region is None or is_within(region, policy.region):
        return rule(policy, deal)
    text = N_("“%(title)s”只给本地登记的企业。请选登记地的政策。")
    clause = Clause("eligibility", "refuse", N_("登记地"), text, {"title": policy.title}, policy.source("eligibility"))
    return Ruling(0, (clause,))


@command.command("rule")
@click.argument("policy", callback=lambda _context, _parameter, value: value.encode(errors="replace").decode())
@click.option("--price", type=click.IntRange(1, 10**13), required=True, help="fen")
@click.option("--service", default="test_analysis", show_default=True, metavar="CODE")
@click.option("--balance", type=click.IntRange(0), help="free money on the voucher, fen; default: no bound")
@click.option("--used-year", type=click.IntRange(0), default=0, help="used by the holder this year, fen")
@click.option("--group-used", type=click.IntRange(0), default=0, help="used this year by all under its controller, fen")
@click.option("--related", is_flag=True, help="holder and carrier are related parties")
@click.option("--funded", is_flag=True, help="already funded by a city project this or last year")
@click.option("--statutory", is_flag=True, help="a test required by law or a mandatory standard")
@click.option("--region", metavar="ADCODE", callback=adcode, help="where the holder is registered; default: the policy's region")
@click.option(
    "--carrier-region", metavar="ADCODE", callback=adcode, help="where the carrier is; no policy in force asks for it, who pays is the holder's home"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
def rule_command(policy: str, *, as_json: bool, region: str | None, **given: Any) -> None:
    """Say what POLICY grants for a price and why."""
    attributes = frozenset(attribute for flag, attribute in ATTRIBUTES.items() if given[flag])
    deal = Deal(given["price"], given["service"], attributes, given["balance"], given["used_year"], given["group_used"])
    with opened() as session:
        found = ruled(policy_named(session, policy), deal, region=region)
    clauses = [{**clause.as_json(), "text": clause.detail % clause.params} for clause in found.clauses]
    lines = "\n".join([str(found.amount), *(f"{c['outcome']}\t{c['code']}\t{c['text']}" for c in clauses)])
    click.echo(json.dumps({"amount": found.amount, "clauses": clauses}, ensure_ascii=False) if as_json else lines)
