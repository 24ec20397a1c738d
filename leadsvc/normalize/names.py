"""Names of people: titles and placeholders dropped, "Last, First" turned round, couples told apart, letter case mended
only where the sender destroyed it. Accents and scripts are kept as sent.

``nameparser`` does the rarer forms. It is given a short list of titles: its own holds words that renters bear as given
names (Prince, King, Bishop), and a wrong name on a guest card is worse than a title left in it.
"""

from __future__ import annotations

import re
from functools import cache

from nameparser import Lexicon, Parser

from leadsvc.model import PersonName, Value
from leadsvc.normalize.data import placeholders
from leadsvc.normalize.text import line

_MAX = 120
_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "rev", "reverend", "sir", "madam", "mister"}
)
_SUFFIXES = {"jr": "Jr", "sr": "Sr", "ii": "II", "iii": "III", "iv": "IV", "esq": "Esq", "phd": "PhD", "md": "MD"}
_PARTICLES = frozenset({
    "al", "ap", "bin", "bint", "da", "das", "de", "del", "della", "der", "di", "do", "dos", "du", "e", "el", "ibn",
    "la", "las", "le", "los", "san", "santa", "st", "ten", "ter", "und", "van", "von", "vd", "y", "zu",
})  # fmt: skip
_EMAIL = re.compile(r"[<(\[]?\s*(?:mailto:)?[^\s<>()\[\]@]+@[^\s<>()\[\]@]+\s*[>)\]]?")
_URL = re.compile(r"https?://|www\.|[a-z0-9]\.(?:com|net|ru|info)\b", re.IGNORECASE)
# Emoji, dingbats and what people draw around names; letters of every script stay.
_ORNAMENT = re.compile('[\u2190-\u2bff\u3030\ufe00-\ufe0f\U0001f000-\U0001faff*~_|=<>"\u201c\u201d#^]+')
# Remarks and nicknames: "Jane Doe (work)", 'Robert "Bob" Smith'.
_BRACKETED = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]|(?<=\s)[\"\u201c][^\"\u201c\u201d]{1,30}[\"\u201d](?=\s)")
_JOINED = re.compile(r"\s*(?:&|\+|/|\band\b|\bAND\b|\bAnd\b)\s*")
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_INITIAL = re.compile(r"[^\W\d_]\.?")
_LETTER = re.compile(r"[^\W\d_]")


def people(text: str) -> tuple[Value[PersonName], ...]:
    """Everyone a whole name speaks of, the first first; empty for placeholders and texts without a letter.

    ``"Bob & Jane Smith"`` is Bob Smith and Jane Smith, ``"Farouk, Nadia"`` is Nadia Farouk, ``"Trent"`` a given name.
    """
    cleaned = _clean(text)
    if not cleaned:
        return ()
    parts = [part for part in (_undecorated(piece) for piece in _JOINED.split(cleaned)) if part]
    if 2 <= len(parts) <= 4 and all(len(part.split()) <= 4 for part in parts):
        return _couple(parts, text)
    name = _one(parts[0] if len(parts) == 1 else cleaned)
    return (Value(name, text, "name:family_first" if "," in cleaned else "name:whole"),) if name else ()


def person(given: str, family: str = "", text: str = "") -> tuple[Value[PersonName], ...]:
    """Everyone named by separate fields. ``given`` may hold a couple or, with ``family`` empty, a whole name."""
    first, last = _clean(given), _clean(family)
    if last.casefold().strip(" .") in placeholders().family_names or last in placeholders().family_names:
        last = ""
    if not first and not last:
        return people(text) if text else ()
    raw = f"{given} {family}".strip()
    if not last:
        return people(first)
    if not first:
        words, suffix = _without_suffix(last.split())
        return (Value(_finish("", " ".join(words), suffix), raw, "name:fields"),)
    if len(_JOINED.split(first)) > 1:
        return people(f"{first} {last}")
    # Some forms send the whole name in both fields, or the whole name as the first.
    if first.casefold().endswith(" " + last.casefold()):
        first = first[: -len(last) - 1].strip()
    words, suffix = _without_suffix(last.split())
    first = " ".join(_without_titles(first.split()))
    last = " ".join(words)
    name = _finish(first, last, suffix)
    return (Value(name, raw, "name:fields"),) if name.text else ()


def is_placeholder(text: str) -> bool:
    """Whether ``text`` is a caller-ID word, "None" and the like instead of a name."""
    folded = " ".join(text.casefold().strip(" .,-[](){}").split())
    table = placeholders()
    return folded in table.names or all(word in table.name_words for word in folded.split())


def _clean(text: str) -> str:
    cleaned = line(text[: _MAX * 4])
    if cleaned.isascii() and cleaned.replace(" ", "").isalpha():
        return "" if is_placeholder(cleaned) else cleaned[:_MAX].strip()
    if _URL.search(_EMAIL.sub(" ", cleaned)):
        return ""
    cleaned = _EMAIL.sub(" ", cleaned)
    if "&" not in cleaned and is_placeholder(cleaned):
        return ""
    cleaned = line(_ORNAMENT.sub(" ", _BRACKETED.sub(" ", cleaned))).strip(" ,;:-.")
    cleaned = " ".join(word for word in cleaned.split() if _LETTER.search(word) or word in "&+")
    if not _LETTER.search(cleaned) or is_placeholder(cleaned):
        return ""
    return cleaned[:_MAX].strip()


def _couple(parts: list[str], raw: str) -> tuple[Value[PersonName], ...]:
    """Parts of "Bob & Jane Smith", "Smith, Bob & Jane", "Bob Smith and Jane Doe", "Mr. & Mrs. Smith"."""
    shared = ""
    if "," in parts[0]:
        shared, _, parts[0] = (piece.strip() for piece in parts[0].partition(","))
    people_found = [name for name in (_one(part) for part in parts) if name]
    if not people_found:
        return ()
    if not shared and people_found[-1].family:
        shared = people_found[-1].family
    names = [
        name if name.family else _finish(name.given, _cased(shared) if shared else "", name.suffix)
        for name in people_found
    ]
    return tuple(Value(name, raw, "name:couple") for name in names)


def _undecorated(part: str) -> str:
    return " ".join(_without_titles(part.strip(" ,").split())) if part.strip(" ,.") else ""


def _one(text: str) -> PersonName | None:
    words = text.split()
    if len(words) <= 2 and all(_is_plain(word) for word in words):
        return _finish(words[0], words[1] if len(words) == 2 else "", "")
    return _parsed(text)


def _is_plain(word: str) -> bool:
    low = word.casefold()
    return bool(_PLAIN_WORD.fullmatch(word)) and low not in _TITLES and low not in _SUFFIXES and low not in _PARTICLES


@cache
def _parser() -> Parser:
    usual = Lexicon.default()
    return Parser(lexicon=Lexicon(
        titles=_TITLES,
        suffix_acronyms=usual.suffix_acronyms - usual.suffix_acronyms_ambiguous,
        suffix_words=frozenset({"jr", "sr", "ii", "iii", "iv", "esq", "junior", "senior"}),
        particles=usual.particles,
        particles_ambiguous=usual.particles_ambiguous,
        conjunctions=frozenset({"y", "e"}),
        surnames=usual.surnames,
    ))  # fmt: skip


def _parsed(text: str) -> PersonName | None:
    found = _parser().parse(text)
    given, family = found.given, found.family
    # A full middle name belongs to what people call themselves ("Mary Ann"); an initial does not.
    middle = [word for word in found.middle.split() if not _INITIAL.fullmatch(word)]
    if given:
        given = " ".join([given, *middle])
    if not given:
        given, family = family, ""
    name = _finish(given, family, found.suffix.replace(".", ""))
    return name if name.text else None


def _without_titles(words: list[str]) -> list[str]:
    while words and words[0].casefold().strip(".") in _TITLES:
        words = words[1:]
    return words


def _without_suffix(words: list[str]) -> tuple[list[str], str]:
    if len(words) > 1 and (suffix := _SUFFIXES.get(words[-1].casefold().replace(".", "").strip(","))):
        return [word.rstrip(",") for word in words[:-1]], suffix
    return words, ""


def _finish(given: str, family: str, suffix: str) -> PersonName:
    joined = f"{given} {family}"
    letters = [c for c in joined if c.isalpha()]
    # "TJ" and "BO" may be meant; nothing in small letters only is.
    broken = all(c.islower() for c in letters) or (len(letters) > 2 and all(c.isupper() for c in letters))
    if broken:
        given, family = _cased(given), _cased(family, lower_particles=bool(given))
    given, family = given.strip(" ,"), family.strip(" ,")
    return PersonName(given, family, suffix, " ".join(part for part in (given, family, suffix) if part))


def _cased(text: str, *, lower_particles: bool = False) -> str:
    if not (text.isupper() or text.islower()):
        return text
    words = text.split()
    keep_low = lower_particles and len(words) > 1
    return " ".join(
        word.lower() if keep_low and index < len(words) - 1 and word.lower() in _PARTICLES else _cased_word(word)
        for index, word in enumerate(words)
    )


def _cased_word(word: str) -> str:
    pieces = re.split(r"(['\u2019-])", word.lower())
    cased = [piece[:1].upper() + piece[1:] for piece in pieces]
    # "Bob's" keeps its small s; "O'Brien" and "D'Angelo" have one letter in front of the apostrophe.
    text = "".join(cased)
    if text.startswith("Mc") and len(text) > 4:
        text = "Mc" + text[2].upper() + text[3:]
    return text
