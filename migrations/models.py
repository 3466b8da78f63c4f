"""The modules that declare tables: importing them fills `core.db.Base.metadata`, which migrations are compared with."""

from importlib import import_module

from sqlalchemy import MetaData

from core.db import Base

MODULES = (
    "core.audit",
    "geodata.regions",
    "geodata.organisations",
    "geodata.instruments",
    "geodata.opened",
    "geodata.speclimits",
    "geodata.places",
    "geodata.imports.entities",
    "geodata.sampling.world",
    "parties.notices",
    "parties.entities",
    "parties.messages",
    "vouchers.requests",
    "vouchers.ledger",
    "vouchers.policy",
    "vouchers.funds",
    "vouchers.drafts",
    "vouchers.entities",
    "vouchers.shares",
    "vouchers.settlement",
    "vouchers.files",
    "vouchers.people",
    "vouchers.seal",
    "bookings.entities",
    "bookings.offers",
    "bookings.records",
    "bookings.need_entities",
    "bookings.answer_entities",
    "bookings.demand",
    "bookings.saved",
    "matching.learning.log",
    "matching.campaigns",
    "matching.lexiconbook",
    "app.accounts",
    "app.members",
    "app.queue",
)


def metadata() -> MetaData:
    """Import every module of `MODULES` and return the metadata that holds their tables."""
    for name in MODULES:
        import_module(name)
    return Base.metadata
