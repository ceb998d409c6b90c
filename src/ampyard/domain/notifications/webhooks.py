"""How a webhook is signed (Standard Webhooks, https://www.standardwebhooks.com), and to whom it may go."""

import base64
import hashlib
import hmac
import ipaddress
import secrets
from datetime import datetime

_PREFIX = "whsec_"
_SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """Return a new secret of a webhook, as its receiver is given it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that say who sends a body, and when.

    The id is the same at each try, by which a receiver knows what it has already; the time, which is signed too, bounds how long a
    copy is of use.
    """
    timestamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet: not of this machine, a private network, a cloud's metadata or the like."""
    found = ipaddress.ip_address(address.partition("%")[0])  # the part behind is a zone of a link-local address
    if isinstance(found, ipaddress.IPv6Address):
        # What is only wrapped in IPv6 is judged by what is in it (RFC 4291, 2.5.5.2; RFC 3056; RFC 6052).
        wrapped = found.ipv4_mapped or found.sixtofour or _nat64(found)
        if wrapped is not None:
            return is_public(str(wrapped))
    return found.is_global and not found.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
