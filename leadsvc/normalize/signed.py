"""The name that a message is signed with, or by which its writer says who they are.

Only for recognising somebody whose name field is empty: what stands under a letter may be anybody's, so it never
becomes the name on a guest card.
"""

from __future__ import annotations

import re

_TAIL = re.compile(
    r"(?:\s?(?:sent from my \w++.*+|have a (?:great|nice|good) (?:day|one).*+|(?<!-)--++.*+))++\s?$", re.IGNORECASE
)
# Runs of white space make expressions slow, and say no more than one does.
_BLANKS = re.compile(r"\s+")
_NAME = r"(?P<name>[^\W\d_][\w'\u2019.-]{0,40}+(?: [^\W\d_][\w'\u2019.-]{0,40}+){0,2})"
_WORDS = (
    "many thanks", "thanks", "thanks so much", "thanks again", "thanks a lot", "thank you", "thank you so much",
    "thank you very much", "thx", "best", "best regards", "best wishes", "regards", "kind regards", "warm regards",
    "cheers", "sincerely", "yours", "yours truly", "respectfully", "gracias", "muchas gracias", "saludo", "saludos",
    "un saludo", "atentamente", "merci", "cordialement", "danke", "gr\u00fc\u00dfe", "obrigado", "obrigada",
    "c\u1ea3m \u01a1n", "xie xie", "arigato", "dzi\u0119kuj\u0119", "spasibo",
)  # fmt: skip
_LONGEST_FIRST = "|".join(sorted(_WORDS, key=len, reverse=True))
_CLOSING = re.compile(
    rf"(?:^|[\s.!?,;])(?:{_LONGEST_FIRST})\s*[,.!:\u2013\u2014-]+\s*{_NAME}\s*[.!]?\s*$", re.IGNORECASE
)
_PHRASES = (
    "my name is", "my name['\u2019]s", "me llamo", "mi nombre es", "je m['\u2019]appelle", "mein name ist",
    "meu nome \u00e9", "t\u00f4i t\u00ean l\u00e0",
)  # fmt: skip
_SAID = re.compile(rf"(?:\b(?:{'|'.join(_PHRASES)})|^\s*(?:hi|hello|hey)?[,!. ]*this is)\s+{_NAME}", re.IGNORECASE)
# Words that follow such phrases and are nobody.
_NOBODY = frozenset({
    "you", "in", "for", "so", "and", "again", "advance", "all", "everyone", "team", "the", "a", "an", "to", "i", "we",
    "me", "please", "have", "hope", "looking", "sent", "regards", "best", "not", "about", "regarding", "just",
})  # fmt: skip


def signed(message: str) -> str:
    """The writer's name as a message tells it; empty when it does not."""
    text = _TAIL.sub("", _BLANKS.sub(lambda found: "\n" if "\n" in found[0] else " ", message))
    said = _SAID.search(text)
    if said is not None:
        return _words(said["name"], first_only=True)
    closing = _CLOSING.search(text)
    return _words(closing["name"], first_only=False) if closing is not None else ""


def _words(text: str, *, first_only: bool) -> str:
    """The name, up to the first word that is none; of a running sentence the words in capitals only."""
    kept: list[str] = []
    for word in text.replace("\n", " ").split():
        bare = word.strip(".,!")
        if bare.casefold() in _NOBODY or (first_only and kept and not bare[:1].isupper()):
            break
        kept.append(bare)
        if word.endswith((".", ",", "!")) and len(bare) > 1:
            break
    return " ".join(kept)
