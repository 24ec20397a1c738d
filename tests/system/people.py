"""Invented renters by number: the same number is the same person, two numbers never share a value."""

from __future__ import annotations

# Area codes in use; each has the hundred numbers 555-0100 to 555-0199 that belong to nobody.
_AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231,
          234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307,
          308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337, 347, 351, 352,
          360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419)  # fmt: skip
_GIVEN = ("Rosa", "Anders", "Imani", "Tomas", "Priya", "Callum", "Mei", "Oskar")
_LETTERS = "abcdefghij"


def name(number: int) -> dict[str, str]:
    """Given and family name."""
    return {"given": _GIVEN[number % len(_GIVEN)], "family": "Lind" + "".join(_LETTERS[int(d)] for d in str(number))}


def email(number: int) -> str:
    return f"renter{number}@example.com"


def phone(number: int) -> str:
    area, line = divmod(number, 100)
    return f"({_AREAS[area]}) 555-01{line:02d}"
