"""Every module that declares tables: importing this one fills ``Base.metadata``."""

from app import accounts  # noqa: F401
from bookings import entities as booking_entities  # noqa: F401
from core.audit import Audit  # noqa: F401
from core.db import Base
from geodata import instruments, organisations, regions  # noqa: F401
from vouchers import entities, ledger, policy, requests  # noqa: F401

metadata = Base.metadata
