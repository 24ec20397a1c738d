"""Two traces compared field by field, each as an ordered level that reads like a sentence.

The order within a field runs from contradiction to equality, ``MISSING`` (nothing to compare) first. Values that say
nothing about anybody are taken out before: hubs, which more people have than any household has members, and masked
addresses, which are evidence within their own conversation only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import IntEnum
from functools import lru_cache
from math import inf
from typing import NamedTuple

from rapidfuzz.distance import OSA

from leadsvc.resolve import likeness
from leadsvc.resolve.likeness import Family, Given, Spelled
from leadsvc.resolve.trace import Trace

HUB = 6
"""A value seen with more distinct first names than this belongs to a desk, a call centre or nobody."""

Crowd = Callable[[str], int]
"""How many distinct first names were seen behind a contact value; at least 1."""

HOUR, DAY = 3_600, 86_400


class Email(IntEnum):
    """``LOCAL``: the same local part at another provider. ``NEAR``: a slip in the local part or the domain."""

    MISSING = 0
    DIFFERENT = 1
    LOCAL = 2
    NEAR = 3
    SAME = 4


class Thread(IntEnum):
    """Conversations: they agree or say nothing."""

    MISSING = 0
    SAME = 1


class Phone(IntEnum):
    """``AREA``: other numbers of one area. ``NEAR``: one digit off, or two neighbours changed about."""

    MISSING = 0
    DIFFERENT = 1
    AREA = 2
    NEAR = 3
    SAME = 4


class Order(IntEnum):
    """Of names that agree, whether first and last had to be turned round."""

    MISSING = 0
    TURNED = 1
    STRAIGHT = 2


class Place(IntEnum):
    MISSING = 0
    FAR = 1
    REGION = 2
    SAME = 3


class Gap(IntEnum):
    """Time between the two."""

    HOUR = 0
    DAY = 1
    WEEK = 2
    MONTH = 3
    SEASON = 4
    HALF_YEAR = 5
    YEAR = 6
    LONGER = 7


class Move(IntEnum):
    """Days on which they want to move in; of two inquiry cycles they are not compared."""

    MISSING = 0
    FAR = 1
    MONTH = 2
    NEAR = 3
    SAME = 4


class Beds(IntEnum):
    MISSING = 0
    FAR = 1
    NEXT = 2
    SAME = 3


class Said(IntEnum):
    """Messages, compared at one property within a day."""

    MISSING = 0
    OTHER = 1
    SAME = 2


FIELDS: tuple[tuple[str, type[IntEnum]], ...] = (
    ("email", Email),
    ("thread", Thread),
    ("phone", Phone),
    ("given", Given),
    ("family", Family),
    ("order", Order),
    ("place", Place),
    ("gap", Gap),
    ("move_in", Move),
    ("bedrooms", Beds),
    ("said", Said),
)
"""Every comparison, in the order in which levels stand in a :class:`Compared`."""

NEVER_MISSING = frozenset({"gap"})
"""Fields whose level 0 is a level like any other."""


class Usable(NamedTuple):
    """A trace without what says nothing: each address and number with the crowd behind it."""

    trace: Trace
    emails: dict[str, int]
    threads: frozenset[str]
    phones: dict[str, int]


def usable(trace: Trace, crowd: Crowd, masked_domains: Collection[str] = ()) -> Usable:
    """Leave hubs out, and count addresses at domains that were learned to be masked as conversations."""
    emails: dict[str, int] = {}
    threads = set(trace.threads)
    for email in trace.emails:
        if (behind := crowd(email)) > HUB:
            continue
        if masked_domains and email.rpartition("@")[2] in masked_domains:
            threads.add(email)
        else:
            emails[email] = behind
    phones = {each: behind for each in trace.phones if (behind := crowd(each)) <= HUB}
    return Usable(trace, emails, frozenset(threads), phones)


def emails(one: Collection[str], other: Collection[str]) -> Email:
    """The best agreement among addresses none of which are equal."""
    return max((_addresses(*sorted((ours, theirs))) for ours in one for theirs in other), default=Email.MISSING)


@lru_cache(maxsize=50_000)
def _addresses(one: str, other: str) -> Email:
    ours, _, host = one.rpartition("@")
    theirs, _, their_host = other.rpartition("@")
    if ours == theirs:
        return Email.NEAR if OSA.distance(host, their_host, score_cutoff=2) <= 2 else Email.LOCAL
    if host != their_host and OSA.distance(host, their_host, score_cutoff=2) > 2:
        return Email.DIFFERENT
    shorter = min(len(ours), len(theirs))
    slips = OSA.distance(ours, theirs, score_cutoff=2)
    if shorter < _TELLING or slips > (1 if shorter < _LONG else 2):
        return Email.DIFFERENT
    if _letters(ours) == _letters(theirs):
        return Email.DIFFERENT  # numbered addresses of one name (smith12, smith13) are handed out to different people
    return Email.NEAR


_TELLING, _LONG = 5, 10


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def phones(one: Collection[str], other: Collection[str]) -> Phone:
    """The best agreement among numbers none of which are equal."""
    return max((_numbers(ours, theirs) for ours in one for theirs in other), default=Phone.MISSING)


def _numbers(one: str, other: str) -> Phone:
    if len(one) == len(other):
        unlike = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(unlike) == 1:
            return Phone.NEAR
        if len(unlike) == 2 and unlike[1] == unlike[0] + 1:
            first, second = unlike
            if one[first] == other[second] and one[second] == other[first]:
                return Phone.NEAR
    return Phone.AREA if one[:5] == other[:5] else Phone.DIFFERENT


NAME_ALONE = -0.7
"""The most that names alone reach, where no contact value and no conversation agrees, when weeks have passed, when both
address and number are others, or when a first name is all there is and the two do not even want to move in on one day:
how many namesakes a place has is known too badly to join by."""

UNLIKE = -4.0
"""The most that is reached where a first or last name differs and no contact value is equal: who marries or is called
by another name is known by a number or an address, and neither one that is nearly the same nor a place or a day in
common makes a person."""

SHARED = -0.7
"""The most that is reached where first names differ and no e-mail address agrees: a number is as often a household's.
Nor do those become one who differ beyond doubt, whatever they share."""

RESEMBLANCE = -0.7
"""The most that is reached where a number differs by a slip and the address differs too: one slip of the fingers is
believed, but not against an address that says otherwise, and one in each only of somebody with both names. Numbers and
addresses are given out in rows."""

_GIVEN, _GAP, _MOVE = (place for place, (name, _) in enumerate(FIELDS) if name in {"given", "gap", "move_in"})


class Compared(NamedTuple):
    """Levels in the order of :data:`FIELDS`, and the crowd behind an equal address and number (0: not equal)."""

    levels: tuple[int, ...]
    email_crowd: int
    phone_crowd: int

    @property
    def contradicted(self) -> bool:
        """Whether the first names are different ones."""
        return self.levels[_GIVEN] in {Given.DIFFERENT, Given.OTHER}

    @property
    def shared(self) -> bool:
        """Whether they have an address or a number in common, as people of one household can."""
        return self.email_crowd > 0 or self.phone_crowd > 0

    @property
    def most(self) -> float:
        """Natural log odds of one person that this pair reaches at most; see :data:`NAME_ALONE`, :data:`UNLIKE`,
        :data:`SHARED`, :data:`RESEMBLANCE`."""
        email, thread, phone, given, family = self.levels[:5]
        if email == Email.SAME or thread == Thread.SAME or phone == Phone.SAME:
            shared = given == Given.OTHER or (self.contradicted and email < Email.NEAR)
            return SHARED if shared else inf
        if self.contradicted or family == Family.DIFFERENT:
            return UNLIKE
        if phone == Phone.NEAR:
            named = given >= Given.VARIANT and family == Family.SAME
            return RESEMBLANCE if email == Email.DIFFERENT or (email == Email.NEAR and not named) else inf
        if email >= Email.LOCAL:
            return inf
        gap, move_in = self.levels[_GAP], self.levels[_MOVE]
        vague = family == Family.MISSING and not (gap <= Gap.WEEK and move_in == Move.SAME)
        others = email == Email.DIFFERENT and phone != Phone.MISSING
        return NAME_ALONE if vague or others or gap >= Gap.SEASON else inf


class Contacts(NamedTuple):
    """What the contact values of two inquiries say, and the crowd behind an equal address and number (0: not equal)."""

    email: Email
    thread: Thread
    phone: Phone
    email_crowd: int
    phone_crowd: int


def contacts(one: Usable, other: Usable) -> Contacts:
    """Compare contact values; the same either way round."""
    shared = one.emails.keys() & other.emails.keys()
    numbers = one.phones.keys() & other.phones.keys()
    return Contacts(
        Email.SAME if shared else emails(one.emails, other.emails),
        Thread.SAME if one.threads & other.threads else Thread.MISSING,
        Phone.SAME if numbers else phones(one.phones, other.phones),
        min((max(one.emails[each], other.emails[each]) for each in shared), default=0),
        min((max(one.phones[each], other.phones[each]) for each in numbers), default=0),
    )


def compare(one: Usable, other: Usable) -> Compared:
    """Compare two inquiries; the same either way round."""
    a, b = one.trace, other.trace
    email, thread, phone, email_crowd, phone_crowd = contacts(one, other)
    given, family, turned = spellings(a.spelled, a.suffix, b.spelled, b.suffix)
    if given is Given.DIFFERENT and a.vouched and b.vouched:
        given = Given.OTHER
    place = places(a.place, a.region, b.place, b.region)
    gap = gaps(abs(a.at - b.at))
    levels = (
        email,
        thread,
        phone,
        given,
        family,
        orders(given, family, turned),
        place,
        gap,
        moves(a.move_in, b.move_in, gap),
        beds(a.bedrooms, b.bedrooms),
        messages(a.said, b.said, place, gap),
    )
    return Compared(levels, email_crowd, phone_crowd)


def spellings(one: Spelled, suffix: str, other: Spelled, their_suffix: str) -> tuple[Given, Family, bool]:
    """Names; Sr. and Jr. share everything but being one person."""
    given, family, turned = likeness.names(one, other)
    if two_generations(suffix, their_suffix) and given is not Given.MISSING:
        given = Given.OTHER
    return given, family, turned


def two_generations(suffix: str, their_suffix: str) -> bool:
    """Whether one is the elder and the other the younger."""
    return bool(suffix and their_suffix) and suffix != their_suffix


def orders(given: Given, family: Family, turned: bool) -> Order:
    if turned:
        return Order.TURNED
    return Order.STRAIGHT if given >= Given.NEAR and family >= Family.PART else Order.MISSING


def places(one: str, region: str, other: str, their_region: str) -> Place:
    if not one or not other:
        return Place.MISSING
    if one == other:
        return Place.SAME
    return Place.REGION if region and region == their_region else Place.FAR


GAPS = (HOUR, DAY, 7 * DAY, 30 * DAY, 120 * DAY, 240 * DAY, 430 * DAY)


def gaps(seconds: int) -> Gap:
    for level, limit in enumerate(GAPS):
        if seconds < limit:
            return Gap(level)
    return Gap.LONGER


def moves(one: int | None, other: int | None, gap: Gap) -> Move:
    if one is None or other is None or gap > Gap.SEASON:
        return Move.MISSING
    days = abs(one - other)
    return Move.SAME if days <= 1 else Move.NEAR if days <= 14 else Move.MONTH if days <= 35 else Move.FAR


def beds(one: float | None, other: float | None) -> Beds:
    if one is None or other is None:
        return Beds.MISSING
    rooms = abs(one - other)
    return Beds.SAME if rooms == 0 else Beds.NEXT if rooms <= 1 else Beds.FAR


def messages(one: int, other: int, place: Place, gap: Gap) -> Said:
    if not one or not other or place is not Place.SAME or gap > Gap.DAY:
        return Said.MISSING
    return Said.SAME if one == other else Said.OTHER
