"""Names of people: titles and placeholders dropped, "Last, First" turned round, couples told apart, letter case mended
only where the sender destroyed it. Accents and scripts are kept as sent.

``nameparser`` does the rarer forms. It is given a short list of titles: its own holds words that renters bear as given
names (Prince, King, Bishop), and a wrong name on a guest card is worse than a title left in it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from nameparser import Lexicon, Parser

from leadsvc.model import PersonName, Value
from leadsvc.normalize.data import placeholders
from leadsvc.normalize.text import line

_MAX = 120
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "rev", "reverend", "sir", "madam", "mister", "sra",
    "srta", "se\u00f1or", "se\u00f1ora", "mme", "mlle", "monsieur", "madame", "herr", "frau", "sgt", "lt", "capt",
})  # fmt: skip
# In front of a whole name only: behind one it is a suffix.
_LEADING_TITLES = _TITLES | {"sr"}
_SUFFIXES = {
    "jr": "Jr", "sr": "Sr", "ii": "II", "iii": "III", "iv": "IV", "esq": "Esq", "phd": "PhD", "md": "MD", "rn": "RN",
    "mba": "MBA", "cpa": "CPA", "dds": "DDS",
}  # fmt: skip
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
# "Mar\u00eda y Jos\u00e9 P\u00e9rez" are two, "Jos\u00e9 Ortega y Gasset" is one: a couple names one word first.
_JOINED_ABROAD = re.compile(r"([^\W\d_]+) (?:y|e|et|und) (?=[^\W\d_]+ )", re.IGNORECASE)
_FAMILY = re.compile(r"(?:the )?([^\W\d_][\w'\u2019-]*) family|the ([^\W\d_][\w'\u2019-]{2,}s)", re.IGNORECASE)
# What senders put behind a name: "Jane Doe via Zillow", "Jane Doe | Tulsa", "Jane Doe - prospect".
_TAIL = re.compile(
    r"(?<=\w)['\u2019]?\s+(?:(?:via|through|c/o)\s|[|\u2022\u00b7]|[-\u2013\u2014]+\s).*$", re.IGNORECASE
)
# What is in a script or a style sheet is nobody's name either.
_TAG = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|$)|</?[a-z][^<>]*>", re.IGNORECASE | re.DOTALL)
# Where a caller-ID names no person it names a town: capitals and the code of a state that is nobody's family name.
_TOWN = re.compile(
    r"[A-Z][A-Z .'-]+ (?:TX|FL|NJ|NV|NM|WV|TN|KS|KY|NC|SC|ND|SD|NH|NY|MN|MS|MT|CT|VT|WY|WI|GA|UT|AZ|OK|IL|VA|WA|CA|OH)"
)
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
    if (family := _FAMILY.fullmatch(cleaned)) is not None:
        return (Value(_finish("", _cased(family[1] or _singular(family[2])), ""), text, "name:family"),)
    if _JOINED_ABROAD.match(cleaned):
        cleaned = _JOINED_ABROAD.sub(r"\1 & ", cleaned, count=1)
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
    if first and last and (is_placeholder(f"{first} {last}") or _TOWN.fullmatch(f"{first} {last}")):
        return ()
    raw = f"{given} {family}".strip()
    if not last:
        return people(first)
    if not first and len(last.split()) == 2 and all(_is_plain(word) for word in last.split()):
        return people(last)
    if not first:
        words, suffix = _without_suffix(last.split())
        return (Value(_finish("", " ".join(words), suffix), raw, "name:fields"),)
    given_parts, family_parts = _JOINED.split(first), _JOINED.split(last)
    if len(given_parts) > 1:
        both = zip(given_parts, family_parts, strict=False)
        paired = " & ".join(f"{one} {other}" for one, other in both) if len(given_parts) == len(family_parts) else ""
        return people(paired or f"{first} {last}")
    # Some forms send the whole name in both fields, or the whole name as the first.
    if first.casefold() == last.casefold() and " " in first:
        return people(first)
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


@lru_cache(maxsize=50_000)  # few first and last names make up many whole ones
def _clean(text: str) -> str:
    cleaned = line(text[: _MAX * 4])
    if cleaned.isascii() and cleaned.replace(" ", "").isalpha() and cleaned.count(" ") < 2:
        return "" if is_placeholder(cleaned) or _TOWN.fullmatch(cleaned) else cleaned[:_MAX].strip()
    if _URL.search(_EMAIL.sub(" ", cleaned)):
        return ""
    cleaned = _TAG.sub(" ", _EMAIL.sub(" ", cleaned))
    if "&" not in cleaned and is_placeholder(cleaned):
        return ""
    cleaned = _TAIL.sub("", line(_BRACKETED.sub(" ", cleaned)))
    cleaned = line(_ORNAMENT.sub(" ", cleaned)).strip(" ,;:-.'`\u2018\u2019").replace(" ,", ",")
    cleaned = " ".join(word for word in cleaned.split() if _is_word(word))
    if not _LETTER.search(cleaned) or is_placeholder(cleaned) or _TOWN.fullmatch(cleaned):
        return ""
    return cleaned[:_MAX].strip()


def _is_word(word: str) -> bool:
    """Whether a word may be part of a name: one letter at least, and not a number with letters in it."""
    return word in "&+" or (bool(_LETTER.search(word)) and sum(c.isdigit() for c in word) < 3)


def _singular(plural: str) -> str:
    """ "The Smiths" are called Smith, "the Lopezes" Lopez."""
    for ending in ("zes", "xes", "ches", "shes", "sses", "ses"):
        if plural.lower().endswith(ending):
            return plural[:-2]
    return plural if plural.lower().endswith(("is", "us", "ss")) else plural[:-1]


def _couple(parts: list[str], raw: str) -> tuple[Value[PersonName], ...]:
    """Parts of "Bob & Jane Smith", "Smith, Bob & Jane", "Bob Smith and Jane Doe", "Mr. & Mrs. Smith"."""
    shared = ""
    listed = [each.strip() for each in parts[0].split(",")]
    if len(listed) > 1 and len(parts[-1].split()) > 1 and all(len(each.split()) == 1 for each in listed):
        # "Bob, Jane and Tim Smith" are three; "Smith, Bob and Jane" are two.
        parts = [*filter(None, listed), *parts[1:]]
    elif "," in parts[0]:
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
    if len(words) > 1 and words[0].casefold() in ("sr.", "sr") and "," not in text:
        words = words[1:]
        text = " ".join(words)
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
    suffix = found.suffix.replace(".", "")
    name = _finish(given, family, _SUFFIXES.get(suffix.casefold(), suffix))
    return name if name.text else None


def _without_titles(words: list[str]) -> list[str]:
    while words and words[0].casefold().strip(".") in _LEADING_TITLES:
        words = words[1:]
    return words


def _without_suffix(words: list[str]) -> tuple[list[str], str]:
    if len(words) > 1 and (suffix := _SUFFIXES.get(words[-1].casefold().replace(".", "").strip(","))):
        return [word.rstrip(",") for word in words[:-1]], suffix
    return words, ""


def _finish(given: str, family: str, suffix: str) -> PersonName:
    if any(part.islower() or part.isupper() for part in (given, family)):
        given, family = _recased(given, family)
    given, family = given.strip(" ,"), family.strip(" ,")
    return PersonName(given, family, suffix, " ".join(part for part in (given, family, suffix) if part))


def _recased(given: str, family: str) -> tuple[str, str]:
    letters = [c for c in f"{given} {family}" if c.isalpha()]
    # "TJ" and "BO" may be meant; nothing in small letters only is.
    if all(c.islower() for c in letters) or (len(letters) > 2 and all(c.isupper() for c in letters)):
        given, family = _cased(given), _cased(family, lower_particles=bool(given))
    given = _mended(given, "")
    return given, _mended(family, given)


def _mended(part: str, given: str) -> str:
    """A given or family name that alone is in capitals or small letters: "Jane DOE", "jane Doe"."""
    if not (part.islower() or part.isupper()):
        return part
    letters = [c for c in part if c.isalpha()]
    if not letters or part.casefold() in _PARTICLES or not (part.islower() or (part.isupper() and len(letters) > 2)):
        return part
    return _cased(part, lower_particles=bool(given))


@lru_cache(maxsize=50_000)
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
