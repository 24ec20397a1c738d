"""Whether there are pets. Three answers: yes, no, and not said; the last must never become "no"."""

from __future__ import annotations

import json
import re

from leadsvc.model import Pets, Value
from leadsvc.normalize.numbers import yes_no
from leadsvc.normalize.text import as_text, compatible, given

_MAX = 1_000
_KIND = r"(?:cats?|dogs?|pets?|animals?|pupp(?:y|ies)|kittens?|kitt(?:y|ies)|birds?)"
_ANIMAL = re.compile(
    r"\b(?:dogs?|cats?|pupp(?:y|ies)|pups?|kittens?|kitt(?:y|ies)|birds?|parrots?|parakeets?|rabbits?|bunn(?:y|ies)"
    r"|hamsters?|gerbils?|fish|goldfish|reptiles?|turtles?|tortoises?|lizards?|geckos?|snakes?|ferrets?|guinea pigs?"
    r"|chinchillas?|service animals?|emotional support|esa|canine|feline|k9"
    r"|labs?|labradors?|retrievers?|poodles?|chihuahuas?|husk(?:y|ies)|pit ?bulls?|shih ?tzus?|yorkies?|shepherds?"
    r"|beagles?|bulldogs?|terriers?|corgis?|\w*doodles?|dachshunds?|pugs?|rottweilers?|maltese|pomeranians?|schnauzers?"
    r"|frenchies?|maine coon|perr[oa]s?|gat[oa]s?|chiens?|chatte?s?(?! (?:with|soon))|mascotas?"
    r"|(?:has|have|with|my|our|own|small|medium|large|big|little) (?:pet|animal)s?|[1-9]\d? pets?)\b"
)
_NUMBER_ONLY = re.compile(r"[1-9]\d?")
_NO_START = re.compile(
    r"^(?:none|no|nope|nah|zero|0|negative|neither|non|nein|ningun[oa]|aucune?|not yet)\b"
    rf"(?!\s*(?:{_KIND})\b)"
)
_NO = re.compile(
    r"\bno pets?\b|\bpet[- ]free\b|\bpetless\b|\bsin mascotas?\b|\bno (?:tengo|tenemos)\b|\bpas d'animaux\b"
    r"|\b(?:do not|don'?t|does not|doesn'?t|dont|without|won'?t|will not|never) (?:currently )?"
    r"(?:have |own |be having )?(?:any )?(?:pets?|animals?)\b"
)
# "no cats or dogs", "dogs: 0", "0 cats": each says that this kind is not there.
_DENIED = re.compile(
    rf"\b(?:no|not any|0|zero|without) {_KIND}(?:(?:,| or| and|,? nor|/)+ ?(?:no )?{_KIND})*\b"
    rf"|\b{_KIND}\s*[:=-]\s*(?:0|no|none|false)\b"
)
_BUT = re.compile(r"\b(?:but|except|however|only|just|though)\b(.*)")
_UNSURE = re.compile(
    r"^(?:maybe|possibly|perhaps|not sure|undecided|might|thinking|considering|depends|tbd|eventually|unsure)\b"
    r"|\b(?:may|might|considering|thinking (?:of|about)) (?:be )?(?:get|getting|adopt|adopting)\b"
)
_QUESTION = re.compile(
    r"\?\s*$|^(?:do|does|are|is|can|what)\b.*\b(?:allow|accept|friendly|polic|permit|fee)\w*|\bpet polic"
)


def pets(text: str) -> Value[Pets] | None:
    """``"Yes"``, ``"No"``, ``"None, no pets"``, ``"Large dog, Labrador"``; ``"Not answered"`` and "maybe" are
    ``None``."""
    answer = given(text[:_MAX])
    if not answer:
        return None
    plain = yes_no(answer)
    if plain is not None and answer != "1":
        return Value(Pets(plain), text, "pets:yes_no")
    low = compatible(answer).lower().replace("\u2019", "'")
    if _UNSURE.search(low) or _QUESTION.search(low):
        return None
    rest = _DENIED.sub(" ", low)
    denied = rest != low or _NO_START.search(low) or _NO.search(low)
    if denied:
        exception = _BUT.search(rest)
        there = exception[1] if exception else rest if not (_NO_START.search(low) or _NO.search(low)) else ""
        if not _ANIMAL.search(there):
            return Value(Pets(False), text, "pets:none")
        return Value(Pets(True, answer[:200]), text, "pets:described")
    if re.match(r"(?:yes|yeah|yep|si|s\u00ed|oui)\b", low) or _ANIMAL.search(low) or _NUMBER_ONLY.fullmatch(low):
        return Value(Pets(True, answer[:200]), text, "pets:described")
    return None


def pet_details(text: str) -> Value[Pets] | None:
    """Zillow's list of animals as JSON text. A list whose only types are ``none`` says "no pets"; an empty list or
    broken JSON says nothing."""
    try:
        rows = json.loads(text[:5000])
    except (ValueError, RecursionError):
        return None
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        return None
    animals = [row for row in rows if isinstance(row, dict) and given(as_text(row.get("type")))]
    if not animals:
        return None
    real = [row for row in animals if as_text(row["type"]).strip().lower() not in _NO_TYPES]
    if not real:
        return Value(Pets(False), text, "pets:type_none")
    return Value(Pets(True, "; ".join(_described(row) for row in real[:5])[:200]), text, "pets:list")


_NO_TYPES = frozenset({"none", "no", "no pets", "nopets", "no_pets", "no pet", "false", "0"})


def _described(row: dict[str, object]) -> str:
    parts = [given(as_text(row.get(key))) for key in ("type", "breed", "size", "description")]
    weight = given(as_text(row.get("weightPounds")))
    return ", ".join([part for part in parts if part] + ([f"{weight} lb"] if weight else []))
