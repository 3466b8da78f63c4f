"""The declarative base, names of constraints, and the engine. Connections drop to the restricted role of the application."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, event, func
from sqlalchemy.orm import DeclarativeBase, mapped_column

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
    """Open an engine on `url` (psycopg 3) whose sessions act as `role` and in UTC; `role=None` keeps the owner's rights."""
    engine = create_engine(url, pool_pre_ping=True, **options)

    @event.listens_for(engine, "connect")
    def _enter(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        if role:
            connection.execute(f"SET ROLE {role}")
        connection.execute("SET TIME ZONE 'UTC'")
        connection.autocommit = False

    return engine
