"""Keeping and checking secrets. Passwords may be weak and get a slow hash; keys we made ourselves are random and get a fast one."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import string

# RFC 7914 (scrypt); 16 MiB and about 50 ms a try.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
_SALT_BYTES = 16
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_CHARGE_POINT_PASSWORD_LENGTH = 20

# The hash of no password: checked where there is none to check, so that the time taken tells nothing.
NO_PASSWORD = f"scrypt${base64.b64encode(bytes(_SALT_BYTES)).decode()}${base64.b64encode(bytes(32)).decode()}"


def hash_password(password: str) -> str:
    """Return a salted scrypt hash, `scrypt$<salt>$<hash>` in base64."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${_text(salt)}${_text(_scrypt(password, salt))}"


async def verify_password(password: str, password_hash: str) -> bool:
    """Return whether the password fits the hash; the work is done beside the event loop."""
    scheme, salt, expected = password_hash.split("$")
    if scheme != "scrypt":
        raise ValueError(f"Unknown password hash {scheme!r}.")
    actual = await asyncio.to_thread(_scrypt, password, base64.b64decode(salt))
    return hmac.compare_digest(actual, base64.b64decode(expected))


def new_key(prefix: str) -> str:
    """Return a new random key, `<prefix>_<43 characters>`: 256 bits."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def new_charge_point_password() -> str:
    """Return a new random password of 20 letters and digits, 119 bits: as long as an OCPP 1.6 charge point can keep (16 to 20 bytes)."""
    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(_CHARGE_POINT_PASSWORD_LENGTH))


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key we made: 256 random bits need no salt and no slowness."""
    return hashlib.sha256(key.encode()).hexdigest()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_SCRYPT["n"], r=_SCRYPT["r"], p=_SCRYPT["p"], dklen=32)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
