"""Raw bytes made readable and inert: text where it is text, a hex dump where it is not."""

from __future__ import annotations

from dataclasses import dataclass

_MOST = 200_000
_MOST_HEX = 16_384
_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Readable:
    """``text`` to be escaped and shown; ``cut`` when the bytes go on beyond it; ``how`` they were read."""

    text: str
    how: str
    size: int
    cut: bool


def readable(body: bytes) -> Readable:
    """The bytes as UTF-8 if they are, with stray bytes written out if they are few, else as a hex dump."""
    head = body[:_MOST]
    try:
        # A character cut in half by the limit is no sign of another encoding.
        text = head.decode("utf-8", "strict" if len(body) <= _MOST else "ignore")
        binary = "\x00" in text
    except UnicodeDecodeError:
        text = head.decode("utf-8", "backslashreplace")
        binary = b"\x00" in head or sum(byte >= 0x80 for byte in head) * 4 > len(head)
    if binary:
        return Readable(_hex(body[:_MOST_HEX]), "hex", len(body), len(body) > _MOST_HEX)
    return Readable(text, "text", len(body), len(body) > _MOST)


def _hex(data: bytes) -> str:
    lines = []
    for start in range(0, len(data), _WIDTH):
        part = data[start : start + _WIDTH]
        signs = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * _WIDTH}} {signs}")
    return "\n".join(lines)
