"""Seal shop keys so that a stolen database does not give them away."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connector.errors import ConfigurationError
from connector.secret import Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FORM: Final = b"\x01"


class Sealer:
    """Turns secrets into bytes that only the same key, shop and name open.

    What was opened is kept as long as the stored bytes stay the same: every change of a
    secret makes new ones, so they are its revision.

    Args: key: 32 bytes, kept outside of the database.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"POSTVENTA_SECRET_KEY_FILE must hold {KEY_BYTES} bytes, it holds {len(key)}"
            )
        self._cipher = AESGCM(key)
        self._opened: dict[tuple[str, str], tuple[bytes, Secret]] = {}

    def seal(self, shop_id: str, name: str, secret: Secret) -> bytes:
        """Seal one secret of a shop."""
        nonce = os.urandom(_NONCE_BYTES)
        text = secret.reveal().encode("utf-8", "surrogatepass")
        return _FORM + nonce + self._cipher.encrypt(nonce, text, _place(_FORM, shop_id, name))

    def unseal(self, shop_id: str, name: str, sealed: bytes) -> Secret:
        """Open what was sealed for the same shop and name.

        Raises: ConfigurationError: another key, or the row was moved or changed.
        """
        kept = self._opened.get((shop_id, name))
        if kept is not None and kept[0] == sealed:
            return kept[1]
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            opened = self._cipher.decrypt(nonce, text, _place(sealed[:1], shop_id, name))
        except (InvalidTag, ValueError) as err:
            raise ConfigurationError(
                f"the secret {name!r} of shop {shop_id!r} does not open: is the key file "
                "(POSTVENTA_SECRET_KEY_FILE) the one this database was made with?"
            ) from err
        secret = Secret(opened.decode("utf-8", "surrogatepass"))
        # One for each place: the one before is forgotten.
        self._opened[shop_id, name] = sealed, secret
        return secret


def _place(form: bytes, shop_id: str, name: str) -> bytes:
    # Each part with its length, so that no two places are the same bytes.
    parts = (shop_id.encode("utf-8", "replace"), name.encode("utf-8", "replace"))
    return form + b"".join(len(part).to_bytes(4) + part for part in parts)
