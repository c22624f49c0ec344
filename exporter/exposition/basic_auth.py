"""Logins with a user name and a password, as HTTP basic authentication sends them."""

import base64
import binascii
import hmac
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from threading import Lock

import bcrypt

BCRYPT_HASH = re.compile(
    r"\$2[aby]\$([0-9]{2})\$([./A-Za-z0-9]{22})[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
)
"""Cost, salt and sum. The last character has two bits to spare, which bcrypt leaves zero."""

LOWEST_COST = 4
HIGHEST_COST = 16
"""From here on one check takes more than four seconds."""

_SIGNIFICANT_BYTES = 72
"""bcrypt looks at no more of a password; the library wants it cut."""

_NO_SUM = b"." * 31
"""The rest of a hash that belongs to no password."""

_DIGEST_BYTES = 32
_NOBODY = bytes(_DIGEST_BYTES)
_REMEMBERED_REFUSALS = 256
_LANES = 256
"""One for each value of a byte."""

_LOOK_UP_SECONDS = 0.1


class Login:
    """Checks credentials against bcrypt hashes; what it found is remembered.

    bcrypt is slow on purpose, and Prometheus logs in with every scrape. What is kept is a digest
    under a key of this process. A user that does not exist takes as long as one that does, and
    one check at a time is made: guessing leaves the other processor cores alone. However many
    logins one client tries at once, one of them waits for its turn among those of other clients.
    """

    def __init__(
        self, hashes: Mapping[str, str], check: Callable[[bytes, bytes], bool] = bcrypt.checkpw
    ) -> None:
        self._hashes = {user.encode(): bcrypt_hash.encode() for user, bcrypt_hash in hashes.items()}
        self._check = check
        self._decoys = [bcrypt.gensalt(cost(found)) + _NO_SUM for found in hashes.values()]
        self._key = os.urandom(32)
        self._turn = Lock()
        self._lanes = [Lock() for _ in range(_LANES)]
        self._admitted: dict[bytes, bytes] = {}
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    def admits(
        self,
        authorization: str,
        client: bytes = b"",
        is_gone: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Whether the value of an Authorization header is that of a user.

        Waiting behind others of the same client ends, with no, when ``is_gone`` says that nobody
        waits any more.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        digest = self._digest(*credentials)
        known = self._remembered(user, digest)
        if known is not None:
            return known
        lane = self._lanes[self._keyed(client)[0]]
        while not lane.acquire(timeout=_LOOK_UP_SECONDS):
            if is_gone():
                return False
        try:
            with self._turn:
                known = self._remembered(user, digest)
                return self._verified(user, password, digest) if known is None else known
        finally:
            lane.release()

    def _remembered(self, user: bytes, digest: bytes) -> bool | None:
        if hmac.compare_digest(self._admitted.get(user, _NOBODY), digest):
            return True
        return False if digest in self._refused else None

    def _verified(self, user: bytes, password: bytes, digest: bytes) -> bool:
        found = self._hashes.get(user)
        # Always the same cost for the same name, as if it had a hash.
        decoy = self._decoys[self._keyed(user)[0] % len(self._decoys)]
        right = self._check(password[:_SIGNIFICANT_BYTES], found or decoy)
        if found and right:
            self._admitted[user] = digest
            return True
        self._refused[digest] = None
        if len(self._refused) > _REMEMBERED_REFUSALS:
            self._refused.popitem(last=False)
        return False

    def _digest(self, user: bytes, password: bytes) -> bytes:
        # A user name holds no colon: the two can be told apart.
        return self._keyed(user + b":" + password)

    def _keyed(self, text: bytes) -> bytes:
        return blake2b(text, key=self._key, digest_size=_DIGEST_BYTES).digest()


def cost(bcrypt_hash: str) -> int:
    """The cost in a hash: its work doubles with each. Raises ValueError for what is no hash."""
    found = BCRYPT_HASH.fullmatch(bcrypt_hash)
    if found is None:
        raise ValueError("not a bcrypt hash")
    return int(found[1])


def refuse_unusable(bcrypt_hash: str) -> None:
    """Raise ValueError, with what to say, for a hash that no password can be checked against."""
    found = BCRYPT_HASH.fullmatch(bcrypt_hash)
    if found is None:
        raise ValueError("not a bcrypt hash")
    if (work := int(found[1])) > HIGHEST_COST:
        raise ValueError(f"cost {work} takes too long; {HIGHEST_COST} is the most")
    if work < LOWEST_COST:
        raise ValueError(f"cost {work} is too low; {LOWEST_COST} is the least")
    try:
        # The library itself decides which salts it takes; at the lowest cost that takes no time.
        bcrypt.hashpw(b"", f"$2b${LOWEST_COST:02}${found[2]}".encode())
    except ValueError:
        raise ValueError("not a bcrypt hash: its salt is damaged") from None


def _credentials(authorization: str) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
