"""Ask a virus scanner about a file: clamd, by its own protocol (INSTREAM), where one is set up. Without one nobody has looked, and that is said."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

Word = Literal["clean", "infected"]
TIMEOUT = 30
"""Seconds to wait for each answer of the scanner."""


def scan(content: bytes, address: str) -> Word | None:
    """Return what clamd at `address` ("host:port" or the path of a socket) says; None without an address or when it does not answer."""
    if not address:
        return None
    from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket

    host, _, port = address.rpartition(":")
    try:
        clamd = ClamdUnixSocket(path=address, timeout=TIMEOUT) if address.startswith("/") else ClamdNetworkSocket(host, int(port), TIMEOUT)
        status, _ = clamd.instream(BytesIO(content)).get("stream", ("ERROR", None))
    except (ClamdError, OSError, ValueError):
        return None
    words: dict[str, Word] = {"OK": "clean", "FOUND": "infected"}
    return words.get(status)
