"""Every setting of the product, read once from the environment. `ROWS` is the list that docs/operations.md repeats; a test compares them.

Leaves to others: what a setting is used for. Nothing here needs Flask or the database.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from core.errors import N_, Invalid, Unavailable
from matching.travel import router

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

LOCAL = ROOT / ".local"
"""What this checkout keeps for itself: secret, logs, pids, private database."""

SIZES = ("small", "paper", "national", "none")
GEOCODERS = ("none", "nominatim", "photon", "baidu")
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Row:
    """One setting: the name of its environment variable, its default as text, and what it means."""

    name: str
    default: str
    meaning: str


ROWS = (
    Row("PORT", "8000", "TCP port of the web service, 1 to 65535"),
    Row("HOST", "127.0.0.1", "address that the web service listens on; behind a proxy keep the loopback"),
    Row("DATABASE_URL", "", "PostgreSQL >= 15 with PostGIS >= 3.3, as its owner; empty: the private cluster of this checkout"),
    Row("SAMPLE", "small", "size of the sample world laid into an empty database: small, paper, national or none"),
    Row("SAMPLE_DATE", "", "date (YYYY-MM-DD) around which the sample world is laid; empty: the day it is loaded"),
    Row("SECRET_KEY", "", "signs sessions and forms, at least 32 characters; empty: made once and kept in .local/secret"),
    Row("WORKERS", "2", "web worker processes, 1 to 64; about one for each core"),
    Row("MAP_APPROVAL_NUMBER", "", "map approval number (审图号) shown on every map; empty: shown as 待填"),
    Row("TIANDITU_KEY", "", "key of the Tianditu base map; empty: the base map drawn from our own boundaries"),
    Row("LOG_LEVEL", "info", "debug, info, warning or error"),
    Row("TLS", "0", "1 when browsers reach the service by https: cookies become Secure and __Host-"),
    Row("IMPORT_MB", "50", "largest file that may be brought in, megabytes, 1 to 500"),
    Row("DATA_DIR", "", "folder of the files that people hand in; empty: .local/data. Back it up together with the database"),
    Row("EVIDENCE_MB", "10", "largest file of evidence, megabytes, 1 to 100"),
    Row("CLAMD_ADDRESS", "", "virus scanner clamd, host:port or the path of its socket; empty: files are shown as not scanned"),
    Row("GEOCODER", "none", "geocoder on the network that is asked about addresses besides our own data: none, nominatim, photon or baidu"),
    Row("GEOCODER_URL", "", "address of the nominatim or photon server, e.g. http://127.0.0.1:8080; empty: the service's public one"),
    Row("GEOCODER_KEY", "", "key of the geocoder, where it wants one (baidu)"),
    Row("GEOCODER_TIMEOUT", "5", "seconds to wait for the geocoder, 1 to 60"),
    Row("GEOCODER_PER_MINUTE", "60", "requests to the geocoder in a minute, 1 to 6000"),
    Row("ROUTER_URL", "", "router asked for minutes by road: osrm+http://host:5000 or valhalla+http://host:8002; empty: straight lines"),
    Row("AUDIT_DIR", "", "folder of the published roots of the audit seal; empty: .local/audit"),
    Row("AUDIT_KEY_FILE", "", "file with the private key (ed25519, hex) that signs them, mode 0600; empty: made once in AUDIT_DIR"),
    Row(
        "EMBEDDING",
        "0",
        "1: needs are also compared by meaning, with a model that `make run` then installs (requirements-extra.txt); 65 MB more a worker, 20 s once",
    ),
    Row("RERANK", "0", "1: rows of a list are put into the learnt order, as long as its measured gain is certain; see /planner/search-quality"),
    Row("SAVED_HOURS", "6", "hours between two looks at a kept search, 1 to 168"),
    Row("STUCK_HOURS", "24", "hours without an answer after which a posted need stands on the officer's desk, 1 to 240"),
    Row("STUCK_END_HOURS", "12", "hours before its end from which a posted need stands there, 1 to 240"),
    Row("STUCK_KM", "100", "kilometres within which a carrier counts as near a posted need, 1 to 500"),
    Row("LOCALE", "zh_CN", "language of a visitor who has chosen none: zh_CN or en"),
)


@dataclass(frozen=True)
class Settings:
    """All settings, checked; the fields are the names of `ROWS` in small letters."""

    port: int
    host: str
    database_url: str
    sample: str
    sample_date: date | None
    secret_key: str
    workers: int
    map_approval_number: str
    tianditu_key: str
    log_level: str
    tls: bool
    import_mb: int
    data_dir: Path
    evidence_mb: int
    clamd_address: str
    geocoder: str
    geocoder_url: str
    geocoder_key: str
    geocoder_timeout: int
    geocoder_per_minute: int
    router_url: str
    audit_dir: Path
    audit_key_file: Path
    embedding: bool
    rerank: bool
    saved_hours: int
    stuck_hours: int
    stuck_end_hours: int
    stuck_km: int
    locale: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read every setting from `environ` (default: the process's); raise `Invalid` naming the first that cannot be used."""
        given = os.environ if environ is None else environ
        text = {row.name: given.get(row.name, "").strip() or row.default for row in ROWS}
        return cls(
            port=_whole(text, "PORT", 65535),
            host=text["HOST"],
            database_url=_database(text["DATABASE_URL"]),
            sample=_one_of(text, "SAMPLE", SIZES),
            sample_date=_date(text["SAMPLE_DATE"]),
            secret_key=_secret(text["SECRET_KEY"]),
            workers=_whole(text, "WORKERS", 64),
            map_approval_number=text["MAP_APPROVAL_NUMBER"],
            tianditu_key=text["TIANDITU_KEY"],
            log_level=_one_of({"LOG_LEVEL": text["LOG_LEVEL"].lower()}, "LOG_LEVEL", LEVELS),
            tls=_one_of(text, "TLS", ("0", "1")) == "1",
            import_mb=_whole(text, "IMPORT_MB", 500),
            data_dir=Path(text["DATA_DIR"] or LOCAL / "data"),
            evidence_mb=_whole(text, "EVIDENCE_MB", 100),
            clamd_address=_clamd(text["CLAMD_ADDRESS"]),
            geocoder=_one_of(text, "GEOCODER", GEOCODERS),
            geocoder_url=text["GEOCODER_URL"],
            geocoder_key=text["GEOCODER_KEY"],
            geocoder_timeout=_whole(text, "GEOCODER_TIMEOUT", 60),
            geocoder_per_minute=_whole(text, "GEOCODER_PER_MINUTE", 6000),
            router_url=_router(text["ROUTER_URL"]),
            audit_dir=Path(text["AUDIT_DIR"] or LOCAL / "audit"),
            audit_key_file=Path(text["AUDIT_KEY_FILE"] or Path(text["AUDIT_DIR"] or LOCAL / "audit") / "key"),
            embedding=_one_of(text, "EMBEDDING", ("0", "1")) == "1",
            rerank=_one_of(text, "RERANK", ("0", "1")) == "1",
            saved_hours=_whole(text, "SAVED_HOURS", 168),
            stuck_hours=_whole(text, "STUCK_HOURS", 240),
            stuck_end_hours=_whole(text, "STUCK_END_HOURS", 240),
            stuck_km=_whole(text, "STUCK_KM", 500),
            locale=_one_of(text, "LOCALE", ("zh_CN", "en")),
        )


def _whole(text: Mapping[str, str], name: str, largest: int) -> int:
    given = text[name]
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= largest):
        raise Invalid(name, N_("设置 %(name)s 的值“%(given)s”不能用：请写 1 到 %(largest)s 的整数。"), name=name, given=given, largest=largest)
    return int(given)


def _one_of(text: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    given = text[name]
    if given not in choices:
        raise Invalid(name, N_("设置 %(name)s 的值“%(given)s”不能用：请选 %(choices)s。"), name=name, given=given, choices=" / ".join(choices))
    return given


def _date(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise Invalid("SAMPLE_DATE", N_("设置 SAMPLE_DATE 的值“%(given)s”不是日期：请写成 2026-03-01 这样。"), given=given) from None


def _database(given: str) -> str:
    """Return an SQLAlchemy address for psycopg 3: the one given, in any of its usual spellings, or the private cluster's."""
    if not given:
        return private_url()
    scheme, found, rest = given.partition("://")
    if not found or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise Invalid("DATABASE_URL", N_("设置 DATABASE_URL 不是 PostgreSQL 的地址：请写成 postgresql://用户:口令@主机/库名。"))
    return f"postgresql+psycopg://{rest}"


def private_url() -> str:
    """Return the address of this checkout's private cluster, whether or not it runs; raise `Unavailable` where it cannot be had."""
    asked = subprocess.run([ROOT / "bin" / "cluster", "url"], capture_output=True, text=True, check=False)  # noqa: S603 (our own script)
    if asked.returncode:
        raise Unavailable(asked.stderr.strip().partition("\n")[0])
    return asked.stdout.strip()


def _router(given: str) -> str:
    router(given)
    return given


def _clamd(given: str) -> str:
    host, found, port = given.rpartition(":")
    if given and not given.startswith("/") and not (found and host and port.isascii() and port.isdigit()):
        raise Invalid("CLAMD_ADDRESS", N_("设置 CLAMD_ADDRESS 的值“%(given)s”不能用：请写成 127.0.0.1:3310，或者套接字的路径。"), given=given)
    return given


def _secret(given: str) -> str:
    if given and len(given) < 32:
        raise Invalid("SECRET_KEY", N_("设置 SECRET_KEY 太短：至少 32 个字符。留空则自动生成并保存。"))
    return given or kept_secret(LOCAL / "secret")


def kept_secret(file: Path) -> str:
    """Return the secret in `file`, made on the first call with mode 0600; two processes at once end with the same one."""
    if not file.exists():
        file.parent.mkdir(exist_ok=True, parents=True)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text().strip()
