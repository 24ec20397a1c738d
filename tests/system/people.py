"""Invented renters by number: the same number is the same person, two numbers never share a value."""

from __future__ import annotations

# Area codes in use; each has the hundred numbers 555-0100 to 555-0199 that belong to nobody.
_AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231,
          234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307,
          308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337, 347, 351, 352,
          360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419)  # fmt: skip
_SYLLABLES = (
    "bar", "cos", "dun", "fel", "gri", "hav", "jol", "kem", "lud", "mar", "nek", "orb", "pas", "qui", "rov",
    "ste", "tul", "urs", "vik", "wex", "yon", "zad", "bro", "cru", "dal", "fro", "gan", "hul", "jap", "kir",
    "lom", "mig", "nor", "pev", "rus", "sab", "tir", "vol", "wan", "zel",
)  # fmt: skip
_NAMES, _NUMBERS = len(_SYLLABLES) ** 3, 100 * len(_AREAS)


def name(number: int) -> dict[str, str]:
    """Given and family name; neighbours in number have nothing in common, and no two people share either."""
    return {"given": _name(number * 12_347), "family": _name(number * 7_919)}


def _name(number: int) -> str:
    places = (number % _NAMES // 1_600, number // 40 % 40, number % 40)
    return "".join(_SYLLABLES[each] for each in places).capitalize()


def email(number: int) -> str:
    told = name(number)
    return f"{told['given']}.{told['family']}{number}@example.com".lower()


def phone(number: int) -> str:
    area, line = divmod(number * 3_719 % _NUMBERS, 100)
    return f"({_AREAS[area]}) 555-01{line:02d}"
