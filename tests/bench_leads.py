"""The leads that ``make bench`` sends: invented renters who hardly resemble each other, in the forms the service takes.

Everything about renter ``n`` follows from ``n``, so that the load generator can make leads while it sends them and two
runs send the same.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

_GIVEN: tuple[str, ...] = ()
_GIVEN += ("Rosa", "Anders", "Mei", "Tomas", "Amina", "Henrik", "Lucia", "Priya", "Kofi", "Elena", "Marek", "Yuki")
_GIVEN += ("Oscar", "Fatima", "Gregory", "Noor", "Walter", "Ingrid", "Desmond", "Paloma", "Viktor", "Shreya", "Bruno")
_SYLLABLES: tuple[str, ...] = ()
_SYLLABLES += ("ba", "dor", "fin", "gul", "hem", "jos", "kal", "lin", "mer", "nov", "pet", "qui", "ras", "sol", "tav")
_SYLLABLES += ("und", "ves", "wic", "yor", "zan", "bro", "cle", "dri", "fru", "glo")
# Area codes that exist, for numbers of the range that is kept free for invented people: 555-0100 to 555-0199.
_AREAS: tuple[int, ...] = ()
_AREAS += (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 301, 302, 303, 304, 305)
_AREAS += (307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412)
_AREAS += (413, 414, 415, 417, 419, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518, 601, 602)
_AREAS += (603, 605, 606, 607, 608, 609, 610, 612, 614, 615, 616, 617, 618, 619, 701, 702, 703, 704, 706, 707, 708, 712)
_AREAS += (713, 714, 715, 716, 717, 718, 719, 801, 802, 803, 804, 805, 806, 808, 810, 812, 813, 814, 815, 816, 817, 818)
_AREAS += (901, 903, 904, 906, 907, 908, 909, 910, 912, 913, 914, 915, 916, 918, 919, 920, 931, 937, 940, 941, 949, 952)
PHONES = len(_AREAS) * 100
"""Renters from this number on have no phone: an invented number must not be shared by two of them."""


def _name(n: int) -> tuple[str, str]:
    """Last names of four syllables, one after the other far apart, so that few resemble another."""
    rest, family = n * 104_729 % len(_SYLLABLES) ** 4, ""
    for _ in range(4):
        rest, syllable = divmod(rest, len(_SYLLABLES))
        family += _SYLLABLES[syllable]
    return _GIVEN[n % len(_GIVEN)], family.capitalize()


def _phone(n: int) -> str:
    return f"{_AREAS[n // 100]}-555-01{n % 100:02d}" if n < PHONES else ""


def _words(n: int) -> str:
    return (
        "Hello, we are two adults and a cat and saw your apartment today. Is it still free from the first of next "
        "month, is there parking, and may we see it some evening this week or on Saturday? Our number on the list is "
        f"{n}. Thanks"
    )


def zillow(n: int) -> bytes:
    """Renter ``n`` as Zillow's rentals callback posts it: a form."""
    given, family = _name(n)
    lead = {
        "listingId": "CHD-2BR-7",
        "globalListingId": "2087512345",
        "name": f"{given} {family}",
        "email": f"renter{n}@example.com",
        "phone": _phone(n),
        "movingDate": "20270501",
        "numBedrooms": "2",
        "numBathrooms": "1",
        "numBedroomsSought": "2",
        "numOccupants": "2",
        "leaseLengthMonths": "12",
        "hasPets": "true",
        "message": _words(n),
        "introduction": "",
        "neighborhoods": "Midtown,Brookside",
        "movingFromCity": "Oklahoma City",
        "movingFromState": "OK",
        "listingStreet": "4100 Cedar Hollow Dr",
        "listingUnit": "7",
        "listingCity": "Tulsa",
        "listingPostalCode": "74105",
        "listingState": "OK",
        "listingContactEmail": "leasing@cedarhollow.example",
    }
    return urlencode(lead).encode()


def canonical_lead(n: int) -> dict[str, object]:
    """Renter ``n`` as canonical JSON; both baselines are sent the same."""
    given, family = _name(n)
    return {
        "person": {"given": given, "family": family},
        "email": f"renter{n}@example.com",
        "phone": _phone(n) or None,
        "property": {"id": "chd001", "name": "Cedar Hollow", "address": "4100 Cedar Hollow Dr, Tulsa, OK 74105"},
        "bedrooms": 2,
        "bathrooms": 1,
        "move_in": "2027-05-01",
        "budget": {"min": 1200, "max": 1600},
        "occupants": 2,
        "pets": True,
        "lease_term_months": 12,
        "message": _words(n),
        "contact_type": "form",
        "source": "apartments_com",
        "campaign": "spring",
        "utm": {"source": "newsletter", "medium": "email", "campaign": "spring"},
        "external_id": f"lead-{n}",
        "occurred_at": "2026-06-01T10:00:00-05:00",
        "language": "en",
    }


def canonical(n: int) -> bytes:
    return json.dumps(canonical_lead(n), separators=(",", ":")).encode()


HUNDRED = 100


def hundred(n: int) -> bytes:
    """The ``n``-th list of a hundred canonical leads."""
    leads = [canonical_lead(n * HUNDRED + each) for each in range(HUNDRED)]
    return json.dumps(leads, separators=(",", ":")).encode()


FORMS = {
    "zillow": (zillow, "application/x-www-form-urlencoded"),
    "canonical": (canonical, "application/json"),
    "hundred": (hundred, "application/json"),
}
