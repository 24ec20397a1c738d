"""Whether there are pets. Three answers: yes, no, and not said; the last must never become "no"."""

from __future__ import annotations

import json
import re

from leadsvc.model import Pets, Value
from leadsvc.normalize.numbers import yes_no
from leadsvc.normalize.text import as_text, given

_NO = re.compile(
    r"^(?:none|no|nope|zero|0)\b(?!\s*(?:cats?|dogs?)\b)|\bno pets?\b|\bpet[- ]free\b"
    r"|\b(?:do not|don'?t|does not|doesn'?t|without) (?:have |own )?(?:any )?(?:pets?|animals?)\b"
)
_ANIMAL = re.compile(
    r"\b(?:dogs?|cats?|pupp(?:y|ies)|kittens?|birds?|parrots?|rabbits?|bunn(?:y|ies)|hamsters?|fish|reptiles?|turtles?"
    r"|ferrets?|guinea pigs?|service animals?|emotional support|esa"
    r"|(?:has|have|with|my|small|medium|large) (?:pet|animal)s?|[1-9]\d? pets?|[1-9]\d?)\b"
)
_DENIED = re.compile(r"\bno (?:dogs?|cats?)\b")


def pets(text: str) -> Value[Pets] | None:
    """``"Yes"``, ``"No"``, ``"None, no pets"``, ``"Large dog, Labrador"``; ``"Not answered"`` is ``None``."""
    answer = given(text)
    if not answer:
        return None
    plain = yes_no(answer)
    if plain is not None and answer != "1":
        return Value(Pets(plain), text, "pets:yes_no")
    low = _DENIED.sub(" ", answer.lower().replace("\u2019", "'"))
    if _NO.search(low) or (low.strip(" ,.") == "" and _DENIED.search(answer.lower())):
        return Value(Pets(False), text, "pets:none")
    if low.startswith("yes") or _ANIMAL.search(low):
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
    real = [row for row in animals if as_text(row["type"]).strip().lower() not in ("none", "no", "no pets", "nopets")]
    if not real:
        return Value(Pets(False), text, "pets:type_none")
    return Value(Pets(True, "; ".join(_described(row) for row in real[:5])[:200]), text, "pets:list")


def _described(row: dict[str, object]) -> str:
    parts = [given(as_text(row.get(key))) for key in ("type", "breed", "size", "description")]
    weight = given(as_text(row.get("weightPounds")))
    return ", ".join([part for part in parts if part] + ([f"{weight} lb"] if weight else []))
