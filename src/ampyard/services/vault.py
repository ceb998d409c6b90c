"""Locking up secrets that must be read again: what others are to be sent. Those that are only compared are hashed instead."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "v1"
_NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1
_KEY_BYTES = 32


class Vault:
    """Encrypts with AES-256-GCM under a key made from the installation's secret key.

    Args:
        secret_key: the same in all processes; with another one nothing that was locked up can be read.
    """

    def __init__(self, secret_key: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"ampyard vault").derive(secret_key)
        self._cipher = AESGCM(key)

    def lock(self, secret: str, owner: str) -> str:
        """Return a secret as it may be stored; it can be unlocked for the same owner alone, so that a copied row is of no use elsewhere."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())
        return f"{_VERSION}:{base64.b64encode(sealed).decode()}"

    def unlock(self, locked: str, owner: str) -> str:
        """Return the secret again.

        Raises:
            ValueError: it was locked under another key, or for another owner.
        """
        version, _, text = locked.partition(":")
        if version != _VERSION:
            raise ValueError(f"The secret of {owner} was locked by a way {version!r} that this version does not know.")
        sealed = base64.b64decode(text)
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode()).decode()
        except InvalidTag:
            raise ValueError(f"The secret of {owner} was locked under another AMPYARD_SECRET_KEY.") from None
