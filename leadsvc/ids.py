"""Identifiers: time-ordered UUIDs inside, short keys for people outside."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid

# Crockford's alphabet without vowels that form words and without the digits that look like letters.
_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
_KEY_LENGTH = 8


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits, so rows sort by creation."""
    return _stamped((time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10)), version=7)


def _stamped(value: int, version: int) -> uuid.UUID:
    """``value`` with the version and variant bits of RFC 9562 set."""
    value &= ~((0xF000 << 64) | (0xC000 << 48))
    return uuid.UUID(int=value | (version << 76) | (0x8000 << 48))


def public_key(prefix: str) -> str:
    """A short key such as ``GC-7Q4Z8N2B``: 28**8 possibilities, unique by constraint, safe to read out aloud."""
    number = int.from_bytes(os.urandom(8))
    digits = []
    for _ in range(_KEY_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return f"{prefix}-{''.join(digits)}"


def bytes_key(body: bytes) -> str:
    """The delivery key of what has no sender to name one: the same bytes are the same delivery."""
    return f"bytes:{hashlib.sha256(body).hexdigest()}"


def digest_uuid(*parts: str) -> uuid.UUID:
    """The same UUID for the same words: the id of things whose content is their identity."""
    joined = "\x1f".join(parts).encode()
    return _stamped(int.from_bytes(hashlib.blake2b(joined, digest_size=16).digest()), version=8)


_last_number = 0
_numbers = threading.Lock()


def next_number() -> int:
    """A number greater than every one this process gave before, and by the clock than those of others."""
    global _last_number  # one sequence a process
    with _numbers:
        _last_number = max(time.time_ns(), _last_number + 1)
        return _last_number


def lock_number(word: str) -> int:
    """A signed 64-bit number for a database lock on ``word``."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), signed=True)
