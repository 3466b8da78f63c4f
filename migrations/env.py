"""How Alembic reaches the database: as its owner, by the address of the settings, with GeoAlchemy2's helpers for geometry columns."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import pool, text

from app.config import Settings
from core.db import make_engine
from migrations.models import metadata

OPTIONS = dict(
    target_metadata=metadata(),
    include_object=alembic_helpers.include_object,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
    compare_type=True,
    compare_server_default=False,
)


def run_offline() -> None:
    """Print the SQL of the migrations instead of running it."""
    context.configure(url=Settings.from_env().database_url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the migrations in one transaction: a failed one leaves the database as it was."""
    engine = make_engine(context.config.attributes.get("url") or Settings.from_env().database_url, role=None, poolclass=pool.NullPool)
    with engine.begin() as connection:
        # a migration waits for readers rather than queue every later reader behind itself without end
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        context.configure(connection=connection, **OPTIONS)
        context.run_migrations()


run_offline() if context.is_offline_mode() else run_online()
