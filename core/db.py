"""The declarative base, names of constraints, and the engine. Connections drop to the restricted role of the application."""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, event, func
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, mapped_column

RESTED = 1.0
"""Seconds after which a connection is asked whether it lives."""

APP_ROLE = "irm_app"
"""Database role of the running application: may not change or delete rows of the money path."""

BigId = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
Fen = Annotated[int, mapped_column(BigInteger)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())]


class Base(DeclarativeBase):
    """All tables; constraint names are stable, so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(url: str, *, role: str | None = APP_ROLE, **options: Any) -> Engine:
    """Open an engine on `url` (psycopg 3) whose sessions act as `role` and in UTC; `role=None` keeps the owner's rights.

    As `role` each query runs in one process and as it is planned: many small ones at once gain nothing from parallel workers or compiled plans.
    A connection that rested is asked whether it lives before it is used; one that answered within a second is not, which saves every request
    of a busy time a round trip.
    """
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _enter(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        if role:
            connection.execute(f"SET ROLE {role}")
            connection.execute(
                "SELECT set_config(name, value, false) FROM (VALUES ('jit', 'off'), ('max_parallel_workers_per_gather', '0')) s (name, value)"
            )
        connection.execute("SET TIME ZONE 'UTC'")
        connection.autocommit = False

    @event.listens_for(engine, "checkin")
    def _rest(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("rests_since", monotonic()) < RESTED:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as lost:
            raise DisconnectionError from lost

    return engine
