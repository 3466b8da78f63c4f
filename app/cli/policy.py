"""`flask policy …`: what a policy grants for a price and which clauses decide it; whether a policy file can stand; old orders ruled again."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.cli.opened import adcode, opened
from app.i18n import translate
from bookings.replaying import replay_all
from core.clock import today
from core.errors import N_, Invalid, MapError, NotFound
from core.money import MAX_FEN, yuan
from vouchers import catalogue
from vouchers.deals import Deal, Ruling
from vouchers.drafting import faults
from vouchers.policy import Policy, in_force, seed_policies
from vouchers.rules import rule

command = AppGroup("policy", help="创新券政策 / voucher policies.")

ATTRIBUTES: Final = {
    "related": "related_party",
    "funded": "funded_by_city_project_this_or_last_year",
    "statutory": "statutory_test",
    "batch": "batch_production_test",
}
"""Flags of `rule` and the attributes of an order that they stand for."""

_AREAS: Final = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
PROVINCES: Final = frozenset(str(code) for first, last in _AREAS for code in range(first, last + 1))
"""First digits of adcodes (GB/T 2260)."""


class Fen(click.ParamType[int]):
    """An amount of whole fen, written in digits only, from `least` to the largest that we take."""

    name = "fen"

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount; a mistake of usage (exit code 2) for zero where there must be some, fractions, signs, words and what is too much."""
        if isinstance(value, int):
            return value
        if not re.fullmatch(r"[0-9]{1,20}", value) or not self.least <= int(value) <= MAX_FEN:
            said = N_("“%(value)s”不是可用的金额。写成分，只用数字，从 %(least)s 到 %(most)s，例如 120000 是 1,200.00 元。")
            self.fail(translate(Invalid(self.name, said, value=value[:40], least=self.least, most=MAX_FEN)), param, ctx)
        return int(value)


def place(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return an adcode of a place that there may be in China; a mistake of usage (exit code 2) otherwise."""
    found = adcode(context, parameter, value)
    if found is not None and found[:2] not in PROVINCES:
        raise click.BadParameter(translate(Invalid("region", N_("没有以 %(digits)s 开头的行政区代码。请核对，例如 330100。"), digits=found[:2])))
    return found


def policy_named(session: Session, name: str) -> Policy:
    """Return the terms in force today of the policy `name`, else its seed; raise `NotFound` where there is neither."""
    with suppress(NotFound):
        return in_force(session, name, today(session)).terms
    seeds = {policy.id: policy for policy in seed_policies()}
    if name not in seeds:
        raise NotFound(N_("没有政策“%(policy)s”；现有：%(known)s。"), policy=name[:60], known=" ".join(seeds))
    return seeds[name]


@command.command("rule")
@click.argument("policy", callback=lambda _context, _parameter, value: value.encode(errors="replace").decode())
@click.option("--price", type=Fen(1), required=True, help="fen")
@click.option("--service", default="test_analysis", show_default=True, metavar="CODE")
@click.option("--balance", type=Fen(), help="free money on the voucher, fen; default: no bound")
@click.option("--used-year", type=Fen(), default=0, help="used by the holder this year, fen")
@click.option("--group-used", type=Fen(), default=0, help="used this year by all under its controller, fen; at least what the holder used")
@click.option("--related", is_flag=True, help="holder and carrier are related parties")
@click.option("--funded", is_flag=True, help="already funded by a city project this or last year")
@click.option("--statutory", is_flag=True, help="a test required by law or a mandatory standard: no policy pays it")
@click.option("--batch", is_flag=True, help="a test of batch production")
@click.option("--region", metavar="ADCODE", callback=place, help="where the holder is registered; default: the policy's region")
@click.option(
    "--carrier-region", metavar="ADCODE", callback=place, help="where the carrier is; default: not looked at, and no layer that asks for it"
)
@click.option("--fund", metavar="CODE", help="which purse of the policy pays; default: its first")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
def rule_command(policy: str, *, as_json: bool, **given: Any) -> None:
    """Say what POLICY grants for a price, why, and who pays which layer. What there is not ends with exit code 2."""
    attributes = frozenset(attribute for flag, attribute in ATTRIBUTES.items() if given[flag])
    names = ("balance", "used_year", "group_used", "region", "carrier_region", "fund")
    with opened() as session:
        try:
            terms = policy_named(session, policy)
        except NotFound as no:
            raise click.UsageError(translate(no)) from no
        deal = Deal(given["price"], given["service"], attributes, **{name: given[name] for name in names})
        found = rule(terms, deal)
    click.echo(json.dumps(_answer(found), ensure_ascii=False) if as_json else "\n".join(_lines(found)))
    _check_known(terms, deal)


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
def check_command(file: Path, *, as_json: bool) -> None:
    """Say what in a policy FILE (TOML) cannot stand, clause by clause; exit code 1 if there is anything. Nothing is written."""
    try:
        body = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as no:
        raise click.ClickException(translate(Invalid("file", N_("读不了这个文件：%(reason)s。请照 TOML 的写法改。"), reason=str(no)))) from no
    found = [{"clause": fault.path, "reason": translate(Invalid(fault.path, fault.text, **fault.params))} for fault in faults(body)]
    lines = "\n".join(f"{one['clause']}\t{one['reason']}" for one in found)
    click.echo(json.dumps({"faults": found}, ensure_ascii=False) if as_json else lines or translate(Invalid("file", N_("没有矛盾。"))))
    if found:
        raise click.exceptions.Exit(1)


@command.command("replay")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
def replay_command(*, as_json: bool) -> None:
    """Rule again on every order that a voucher pays, under the version that ruled it; exit code 1 if any sum is another."""
    with opened() as session:
        found = list(replay_all(session))
    other = [one for one in found if not one.agrees]
    lines = [f"{one.order_id}\t{one.policy}/{one.version}\t{yuan(one.paid)}\t{yuan(one.ruled)}" for one in other]
    answer = {"orders": len(found), "differences": [vars(one) for one in other]}
    click.echo(json.dumps(answer, ensure_ascii=False) if as_json else "\n".join([f"{len(found)} orders, {len(other)} differ", *lines]))
    if other:
        raise click.exceptions.Exit(1)


def _check_known(terms: Policy, deal: Deal) -> None:
    """End with exit code 2 when the service or the purse that was asked for does not exist: the ruling of 0 is no answer about a real one."""
    wrong: MapError | None = None
    if not catalogue.is_single(deal.service):
        known = " ".join(catalogue.singles())
        wrong = NotFound(N_("没有服务种类“%(service)s”；现有：%(known)s。"), service=deal.service[:60], known=known)
    elif deal.fund is not None and terms.fund(deal.fund or "-") is None:
        known = " ".join(fund.code for fund in terms.funds) or "—"
        wrong = NotFound(N_("“%(policy)s”没有资金“%(fund)s”；现有：%(known)s。"), policy=terms.id, fund=deal.fund[:60], known=known)
    if wrong:
        raise click.UsageError(translate(wrong))


def _answer(found: Ruling) -> dict[str, Any]:
    clauses = [{**clause.as_json(), "text": clause.detail % clause.params} for clause in found.clauses]
    return {"amount": found.amount, "clauses": clauses, "layers": [layer.as_json() for layer in found.layers]}


def _lines(found: Ruling) -> Iterable[str]:
    yield str(found.amount)
    yield from (f"{clause.outcome}\t{clause.code}\t{clause.detail % clause.params}" for clause in found.clauses)
    yield from (f"pays\t{layer.funder}\t¥{yuan(layer.amount)}\t{layer.clause}" for layer in found.layers)
