"""Read what somebody wrote as a policy: the policy, or every fault by its clause with the reason and a way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.errors import N_, Invalid
from vouchers.contradictions import Fault
from vouchers.terms import Policy


def read(body: Mapping[str, Any]) -> Policy:
    """Return the policy that `body` writes; raise `Invalid` with the dotted path of the first clause that cannot stand."""
    found = faults(body)
    if found:
        raise Invalid(found[0].path, found[0].text, **found[0].params)
    return Policy.model_validate(body)


def faults(body: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return every fault of `body`, none when it is a policy. What contradicts is looked for once every value can be read."""
    try:
        Policy.model_validate(body)
    except ValidationError as no:
        return tuple(fault for error in no.errors(include_url=False) for fault in _read(error))
    return ()


def _read(error: ErrorDetails) -> Iterator[Fault]:
    if error["type"] == "contradiction":
        yield from error["ctx"]["faults"]
        return
    path = ".".join(str(part) for part in error["loc"] if part != "[key]")
    limits = {name: str(value) for name, value in error.get("ctx", {}).items() if name != "error"}
    given = {} if error["type"] == "missing" else {"given": _short(error["input"])}
    yield Fault(path, _TEXTS.get(error["type"], _ANY), {**limits, **given})


def _short(value: Any) -> str:
    return str(value)[:40]


_ANY: Final = N_("不能写 %(given)s。请照这一项的写法改。")
_TEXTS: Final = {
    "missing": N_("缺这一项。请补上。"),
    "extra_forbidden": N_("没有这一项，写了也不起作用。请删掉，或改成已有的字段。"),
    "literal_error": N_("不能写 %(given)s，只能写 %(expected)s。"),
    "greater_than": N_("不能写 %(given)s，要大于 %(gt)s。"),
    "greater_than_equal": N_("不能写 %(given)s，不能小于 %(ge)s。"),
    "less_than_equal": N_("不能写 %(given)s，不能大于 %(le)s。"),
    "int_type": N_("不能写 %(given)s，金额是以分计的整数。"),
    "int_from_float": N_("不能写 %(given)s，要写整数。"),
    "decimal_max_places": N_("不能写 %(given)s，比例最多六位小数。"),
    "string_pattern_mismatch": N_("不能写 %(given)s，格式不对。请照示例写。"),
}
