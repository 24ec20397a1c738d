"""A comparison in one sentence, for people: what agrees first, what contradicts after "but"."""

from __future__ import annotations

from datetime import UTC, date, datetime

from leadsvc.resolve.levels import FIELDS, Compared, Email, Gap, Move, Order, Phone, Place, Said, Thread
from leadsvc.resolve.likeness import Family, Given
from leadsvc.resolve.trace import Trace

_APART = {
    Gap.HOUR: "within the hour",
    Gap.DAY: "within a day",
    Gap.WEEK: "days apart",
    Gap.MONTH: "weeks apart",
    Gap.SEASON: "months apart",
    Gap.HALF_YEAR: "half a year apart",
    Gap.YEAR: "a year apart",
    Gap.LONGER: "years apart",
}
_EMAIL = {
    Email.SAME: "same e-mail address",
    Email.NEAR: "e-mail address one slip away",
    Email.LOCAL: "same address at another provider",
}
_PHONE = {Phone.SAME: "same phone number", Phone.NEAR: "phone number one slip away"}
_NAMES = {
    (Given.SAME, Family.SAME): "same name",
    (Given.SAME, Family.MISSING): "same first name",
    (Given.MISSING, Family.SAME): "same last name",
}
_GIVEN = {
    Given.SAME: "same first name",
    Given.VARIANT: "another form of the first name",
    Given.NEAR: "first name one slip away",
    Given.PART: "one of two first names in common",
    Given.INITIAL: "same initial",
}
_FAMILY = {
    Family.SAME: "same last name",
    Family.VARIANT: "last name spelled in another way",
    Family.NEAR: "last name one slip away",
    Family.PART: "a last name in common",
    Family.INITIAL: "same initial of the last name",
}


def sentence(compared: Compared) -> str:
    """ "Same phone number, same last name, at the same property, days apart, but different first name"."""
    told = dict(zip((name for name, _ in FIELDS), compared.levels, strict=True))
    given, family = Given(told["given"]), Family(told["family"])
    speaks = ["same conversation"] if told["thread"] == Thread.SAME else []
    speaks += [_EMAIL[Email(told["email"])]] if told["email"] in _EMAIL else []
    speaks += [_PHONE[Phone(told["phone"])]] if told["phone"] in _PHONE else []
    speaks += [_NAMES[given, family]] if (given, family) in _NAMES else [
        words for words in (_GIVEN.get(given, ""), _FAMILY.get(family, "")) if words
    ]  # fmt: skip
    speaks += ["first and last name turned round"] if told["order"] == Order.TURNED else []
    speaks += ["same message"] if told["said"] == Said.SAME else []
    speaks += ["at the same property"] if told["place"] == Place.SAME else []
    speaks.append(_APART[Gap(told["gap"])])
    text = ", ".join(speaks)
    against = _against(told, given, family)
    return text[:1].upper() + text[1:] + (f", but {' and '.join(against)}" if against else "")


def _against(told: dict[str, int], given: Given, family: Family) -> list[str]:
    first = given in {Given.DIFFERENT, Given.OTHER}
    if first and family is Family.DIFFERENT:
        found = ["a different name"]
    else:
        found = ["a different first name"] if first else []
        found += ["a different last name"] if family is Family.DIFFERENT else []
    found += ["another e-mail address"] if told["email"] == Email.DIFFERENT else []
    found += ["another phone number"] if told["phone"] in {Phone.DIFFERENT, Phone.AREA} else []
    return found + (["another move-in date"] if told["move_in"] == Move.FAR else [])


def spoken(field: str, trace: Trace) -> str:
    """A trace's value in a field as a person reads it; empty where the value is not for reading."""
    if field in {"email", "phone", "thread"}:
        return ", ".join({"email": trace.emails, "phone": trace.phones, "thread": trace.threads}[field])
    if field == "given":
        return " ".join(trace.given)
    if field == "family":
        return " ".join(trace.family)
    if field == "gap":
        return datetime.fromtimestamp(trace.at, UTC).strftime("%Y-%m-%d %H:%M")
    if field == "move_in" and trace.move_in is not None:
        return date.fromordinal(trace.move_in).isoformat()
    if field == "bedrooms" and trace.bedrooms is not None:
        return f"{trace.bedrooms:g}"
    return trace.place if field == "place" else ""
