"""A renter's mail in free words: the phrases that say who writes and what is looked for. Pure.

The result is the fields of a field map with constant texts, so that every value passes the same normalisers as those of
any map. Nothing is taken that two phrases contradict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from leadsvc.normalize.address import split_address
from leadsvc.normalize.emails import emails
from leadsvc.normalize.forwards import bare_subject
from leadsvc.normalize.mailtext import reflowed, without_signature
from leadsvc.normalize.phones import phones
from leadsvc.normalize.records import MailRecord
from leadsvc.normalize.streets import SUFFIXES

Spec = dict[str, list[dict[str, str]]]

_MAX_LINES: Final = 300
_MAX_SENTENCE: Final = 500
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_NAME_WORD = r"[^\W\d_](?:[^\W\d_]|['\u2019-])*+\.?"
_NAME = rf"{_NAME_WORD}(?:[ -]{_NAME_WORD}){{0,3}}"
_CALLED: Final = re.compile(
    r"\b(?:my name is|my name's|name is|this is|i am called|me llamo|mi nombre es|soy|je m'appelle|je suis"
    r"|mon nom est"
    rf"|ich hei\u00dfe|mein name ist)\s+(?P<v>{_NAME})",
    re.IGNORECASE,
)
# Whose words a robot passes on: "Ann Lee sent you a message", "New inquiry from Ann Lee".
_PROPER_NAME = r"(?P<v>[^\W\d_a-z][\w.'\u2019-]*(?: [^\W\d_a-z][\w.'\u2019-]*){0,3})"
_ANNOUNCED: Final = (
    re.compile(
        rf"^\W*{_PROPER_NAME} (?:has |have |just )*(?:sent|is interested|is looking|would like|wants|wrote|says|said"
        r"|asked|asks|inquired|contacted|messaged|requested|has a question)\b"
    ),
    re.compile(rf"(?i:\b(?:message|inquiry|enquiry|lead|question|request|contact)s? from:?) {_PROPER_NAME}\s*$"),
)
_ROBOT: Final = re.compile(
    r"^(?:(?:do[-_.]?)?not?[-_.]?reply|notifications?|notify|alerts?|mailer(?:-daemon)?|automated|system|bounces?)\b"
)
_QUOTED: Final = re.compile(
    r"^[ \t]*(?:\"(?P<a>[^\"]{3,4000})\"|\u201c(?P<b>[^\u201d]{3,4000})\u201d)[ \t]*$", re.MULTILINE
)
_I_AM: Final = re.compile(r"\b(?:I am|I'm|I\u2019m)\s+(?P<v>[A-Z][a-z'\u2019-]+\s+[A-Z][a-z'\u2019-]+)\b")
_CLOSING: Final = re.compile(
    r"(?:^|(?<=[.!?] ))(?:many |best |kind |warm |with )?"
    r"(?:thanks(?: so much| again| in advance)?|thank you(?: so much| very much)?"
    r"|regards|best|sincerely|cheers|respectfully|talk soon|gracias|saludos|atentamente|merci|cordialement"
    r"|bien \u00e0 vous"
    r"|danke|mit freundlichen gr\u00fc\u00dfen|viele gr\u00fc\u00dfe)\s*[,.!\u2013-]*\s*(?P<v>.*)$",
    re.IGNORECASE,
)
_PROPER: Final = re.compile(rf"^(?:{_NAME_WORD}\s+){{0,3}}{_NAME_WORD}$")
# Words that follow "this is" or "soy" without being a name.
_NO_NAME: Final = re.compile(
    r"\b(?:i|a|an|the|my|your|about|for|regarding|looking|interested|in|to|it|available|still|just|not|so|very|and|we"
    r"|moving|relocating|currently|writing|reaching|hoping|urgent|important|una?|el|la|muy|buscando"
    r"|interesad[oa]|nueva?"
    r"|int\u00e9ress\u00e9e?|\u00e0|un|une)\b",
    re.IGNORECASE,
)
_OFFICE: Final = re.compile(r"\b(?:fax|office|front desk|main line|toll[- ]free|ext(?:ension)? only)\b", re.IGNORECASE)
_MOVE_CUE: Final = re.compile(
    r"\b(?:mov(?:e|ing)(?:[- ]in(?:to)?)?(?: date)?(?: is)?|lease (?:start|begin)\w*|start(?:ing)?(?: date)?"
    r"|need (?:a place|something|it|one|an? \w+)"
    r"(?: \w+){0,3}? (?:by|for|from|starting)|relocat(?:e|ing)|available (?:for|in|on|from|around|by)"
    r"|looking for \w+(?: \w+){0,4} (?:for|by|in|from|starting)"
    r"|mud(?:arme|arnos|arse|anza)|entrar|disponible (?:para|en|pour|d\u00e8s|\u00e0 partir)|emm\u00e9nag\w*"
    r"|d\u00e9m\u00e9nag\w*|einzieh\w*|einzug)\b(?P<v>[^\n]*)",
    re.IGNORECASE,
)
_NEXT_CLAUSE: Final = re.compile(
    r",\s*(?:and|but|with|my|our|we|i)\b|\s+(?:and|but|with)\s+(?:my|our|i|we|a)\b", re.IGNORECASE
)
_DAY_WORDS: Final = re.compile(
    r"\d|\b(?:asap|soon|now|immediate\w*|months?|weeks?|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|enero|febrero|abril"
    r"|mayo|junio|julio|agosto|octubre|diciembre|janvier|f\u00e9vrier|avril|\bmai\b|juin|juillet|ao\u00fbt|octobre"
    r"|d\u00e9cembre|m\u00e4rz|\bokt|\bdez|\b(?:spring|summer|fall|winter|semester)\b",
    re.IGNORECASE,
)
_TOUR_CUE: Final = re.compile(
    r"\b(?:tour|view(?:ing)?|showing|see (?:it|the (?:place|unit|apartment|home))|visit(?:ar|a|er|e)?|come by"
    r"|stop by|walk[- ]?through"
    r"|besichtig\w*|appointment|schedule)\b",
    re.IGNORECASE,
)
_TOUR_WISH: Final = re.compile(
    r"\b(?:schedule|book|arrange|set up|take|get|do|come|can i|could i|may i|can we|could we|like to|love to"
    r"|want to|possible"
    r"|agendar|programar|puedo|podr\u00eda|quisiera|est-il possible|pourrais|peut-on|aimerais)\b",
    re.IGNORECASE,
)
_NUMBER = r"(?:\d{1,2}|one|two|three|four|five|un[ao]?|dos|tres|cuatro|deux|trois|quatre|ein(?:e|er)?|zwei|drei)"
_ROOMS: Final = re.compile(
    rf"\b(?:(?:at least |up to )?{_NUMBER}\+?(?:\s?(?:-|to|or|and|/|o|ou)\s?{_NUMBER})?[\s-]*(?:bed ?rooms?"
    rf"|beds?|bdrms?|br|bd|habitaci(?:o|\u00f3)n(?:es)?"
    r"|rec(?:a|\u00e1)maras?|dormitorios?|cuartos?|chambres?|zimmer|schlafzimmer)|studio(?: apartment)?s?"
    r"|estudios?)\b(?:\s?\+|\s+or more|\s+or larger)?",
    re.IGNORECASE,
)
_BATHS: Final = re.compile(
    rf"\b{_NUMBER}(?:\.5)?\+?[\s-]*(?:bath(?:room)?s?|ba\b|ba\u00f1os?|salles? de bain)", re.IGNORECASE
)
_BUDGET_CUE: Final = re.compile(
    r"\b(?:budget|afford|spend|price range|max(?:imum)?|no more than|less than|under|up to|below|presupuesto"
    r"|hasta|loyer|maximum)\b",
    re.IGNORECASE,
)
_MONEY: Final = re.compile(r"[$\u20ac\u00a3]\s?\d|\b\d{3,5}\b|\b\d(?:\.\d)?k\b", re.IGNORECASE)
_NOT_RENT: Final = re.compile(
    r"\b(?:income|salary|earn|make|credit|deposit|fee|score|listed|advertised|asking|sq|square|ingresos|revenus?)\b",
    re.IGNORECASE,
)
_PET_CUE: Final = re.compile(
    r"\b(?:pets?|dogs?|cats?|pupp(?:y|ies)|kittens?|animals?|mascotas?|perr[oa]s?|gat[oa]s?|chiens?|chats?"
    r"|animaux|hund|katze)\b",
    re.IGNORECASE,
)
_PEOPLE_CUE: Final = re.compile(
    r"\b(?:just me|only me|by myself|for myself|of us|(?:wife|husband|partner|roommate|fianc\w+|boyfriend"
    r"|girlfriend)\b.{0,40}\b(?:and|kids?|me|i)\b"
    r"|\d adults?|family of|people will)\b",
    re.IGNORECASE,
)
_TERM_CUE: Final = re.compile(
    r"\b(?:\d{1,2}|twelve|six|nine|one)[- ](?:months?|years?)[- ](?:lease|term)"
    r"|\bmonth[- ]to[- ]month\b",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(
    r"\b(?:unit|apartment|apt\.?|suite)\s*#?\s*(?P<v>\d[\w-]{0,6}|[A-Z]-?\d{1,5})\b|(?<!\w)#\s?(?P<w>\d[\w-]{1,6})\b",
    re.IGNORECASE,
)
_SUFFIX = "|".join(sorted(SUFFIXES, key=len, reverse=True))
_STREET: Final = re.compile(
    rf"\b\d{{1,6}}[A-Za-z]?\s+(?:[NSEW]{{1,2}}\.?\s+)?(?:[A-Z0-9][\w.'\u2019-]*+\s+){{1,4}}(?i:{_SUFFIX})\b\.?"
    r"(?:,?\s*(?i:#|apt\.?|unit|suite)\s*[\w-]+)?"
    r"(?:,\s*[A-Z][\w.'-]*+(?: [A-Z][\w.'-]*+){0,3})?(?:,?\s+[A-Z]{2}\b)?(?:\s+\d{5}\b)?"
)
_PLACE_WORD = (
    r"Apartments?|Apts?|Flats|Lofts?|Villas?|Place|Park|Gardens?|Commons|Terraces?|Towers?|Court|Village|Ridge"
    r"|Heights|House"
    r"|Residences?|Homes|Manor|Estates?|Square|Pointe?|Landing|Crossings?|Station|Creek|Lakes?|Oaks|Pines"
    r"|Hills?|Meadows?|Woods"
    r"|Walk|Mill|Row|Yard|Works|Quarters|Living|Townhomes|Run|Trace|Springs|Grove|Plaza|Pass|Bluffs?|Harbor|Bay"
    r"|Club|Reserve"
)
_CAPITAL = r"(?:The |the )?[A-Z0-9][\w'\u2019&.-]*+(?: (?:at|on|of|the|and|&) (?=[A-Z])| (?=[A-Z0-9]))?"
_PLACE: Final = re.compile(
    rf"\b(?P<v>(?:{_CAPITAL}){{1,4}}?\b(?:{_PLACE_WORD})\b(?:(?: (?:at|on|of))? [A-Z][\w'\u2019]+){{0,2}})"
)
_ABOUT: Final = re.compile(
    r"\b(?:interested in|inquir(?:y|ing) (?:about|for|on)|question about|tour (?:of|at)|apartments? (?:at|in)"
    r"|available at|place at"
    r"|living at|interesad[oa] en|int\u00e9ress\u00e9e? par)\s+(?P<v>(?:the "
    r"|The )?[A-Z][\w'\u2019&-]+(?: (?:at |on |of |the )?[A-Z0-9][\w'\u2019&-]*){0,4})"
)
_LISTING_WORDS: Final = re.compile(r"\$\s?\d|\bfor rent\b|\bsq\.? ?ft\b|\bspecial\b", re.IGNORECASE)


def spec_of(record: MailRecord, *, person: bool) -> Spec:
    """The fields that the words of ``record`` give. ``person``: its sender is the renter; else only the words count, as
    in one part of a list of leads."""
    view = own_words(record)
    text = "\n".join(view)
    whole = "\n".join(reflowed(view))
    sentences = [part.strip()[:_MAX_SENTENCE] for part in _SENTENCE.split(whole) if part.strip()][:_MAX_LINES]
    found: dict[str, Iterable[str]] = {
        "phone": _phones(view),
        "move_in": _move_ins(sentences),
        "bedrooms": _one_of(_ROOMS, _wishes(sentences, record.subject)),
        "bathrooms": _one_of(_BATHS, _wishes(sentences, record.subject)),
        "budget_max": [s for s in sentences if _BUDGET_CUE.search(s) and _MONEY.search(s) and not _NOT_RENT.search(s)][
            :1
        ],
        "pets": [s.strip("\"'\u201c\u201d ") for s in sentences if _PET_CUE.search(s)],
        "occupants": [s for s in sentences if _PEOPLE_CUE.search(s)],
        "lease_term": [match[0] for s in sentences if (match := _TERM_CUE.search(s))],
        "unit": _units([record.subject, *sentences]),
        "address": _streets([record.subject, *sentences]),
        "property_name": _places([bare_subject(record.subject), *sentences]),
        "tour_slots": [s for s in sentences if _TOUR_CUE.search(s) and not _MOVE_CUE.search(s)],
        "tour_requested": ["tour" for s in sentences if _TOUR_CUE.search(s) and _TOUR_WISH.search(s)][:1],
        "mailbox_tag": [],
    }
    if person:
        found |= {
            "name": _names(record, view),
            "email": _addresses(record, text),
            "message": [*_passed_on_words(record, text), text],
        }
    return {name: [{"const": text} for text in texts if text] for name, texts in found.items()}


def own_words(record: MailRecord) -> list[str]:
    """The lines its writer wrote: nothing quoted, no signature mark and what is below it but for the writer's own."""
    view = record.views[0] if record.views else []
    return without_signature(view)[:_MAX_LINES]


def names_disagree(record: MailRecord) -> bool:
    """Whether the mail is signed by somebody else than its sender's name says."""
    said = [word for name in _signed(own_words(record)) for word in name.casefold().split()]
    shown = record.sender.name.casefold().replace(",", " ").split()
    return bool(said and shown) and not set(said) & set(shown)


def _names(record: MailRecord, view: Sequence[str]) -> list[str]:
    """The name the mail shows, unless the writer signs as somebody else: a shared mailbox, a nickname."""
    if is_robot(record):
        return _announced(record, view)
    shown = record.sender.name if "@" not in record.sender.name else ""
    if not shown and record.reply_to.name and "@" not in record.reply_to.name:
        shown = record.reply_to.name
    signed = _signed(view)
    return [*signed, shown] if names_disagree(record) else [shown, *signed]


def is_robot(record: MailRecord) -> bool:
    """Whether a mailbox that nobody reads sent the mail: its name is never the renter's."""
    return bool(_ROBOT.match(record.sender.address))


def _passed_on_words(record: MailRecord, text: str) -> list[str]:
    """What a robot quotes on lines of its own: the renter's words, the others are its template's."""
    match = _QUOTED.search(text[:20_000]) if is_robot(record) else None
    return [match["a"] or match["b"]] if match else []


def _announced(record: MailRecord, view: Sequence[str]) -> list[str]:
    rows = [row for row in (bare_subject(record.subject), *view[:_MAX_LINES]) if len(row) <= _MAX_SENTENCE]
    found = (pattern.search(row) for row in rows for pattern in _ANNOUNCED)
    names = {match["v"] for match in found if match}
    return sorted((name for name in names if not _NO_NAME.search(name)), key=lambda name: (-len(name.split()), name))


def _signed(view: Sequence[str]) -> list[str]:
    text = "\n".join(view)
    found = [match["v"] for match in _CALLED.finditer(text)] + [match["v"] for match in _I_AM.finditer(text)]
    names = [_cut(name) for name in found]
    for index, row in enumerate(view):
        match = _CLOSING.search(row.strip())
        if match is None:
            continue
        rest = match["v"].strip(" ,.-")
        following = next((line.strip(" ,.-") for line in view[index + 1 : index + 3] if line.strip()), "")
        for name in (rest, "" if rest else following):
            if name and _PROPER.match(name) and not _NO_NAME.search(name):
                names.append(name)
    return [name for name in names if name]


def _cut(name: str) -> str:
    """The words of a name up to the first that cannot be one."""
    words: list[str] = []
    for word in name.split():
        if _NO_NAME.fullmatch(word.strip(".,")) or (words and word[:1].islower()):
            break
        words.append(word)
        if word.endswith(".") and len(word) > 3:
            break
    return " ".join(words).strip(" .,")


def _addresses(record: MailRecord, text: str) -> list[str]:
    """Where the writer wants to be answered: an own address in the text only when the sender's is none."""
    return [record.reply_to.address, record.sender.address, *(value.value.address for value in emails(text))]


def _phones(view: Sequence[str]) -> list[str]:
    found: list[str] = []
    for row in view:
        if sum(char.isdigit() for char in row) < 10:
            continue
        for part in _SENTENCE.split(row):
            if not _OFFICE.search(part):
                found.extend(value.raw for value in phones(part)[0][:1])
    return ["\n".join(dict.fromkeys(found))] if found else []


def _move_ins(sentences: Sequence[str]) -> list[str]:
    found = []
    for sentence in sentences:
        match = _MOVE_CUE.search(sentence)
        if match is None or (_TOUR_CUE.search(sentence) and "mov" not in match[0].lower()):
            continue
        rest = _NEXT_CLAUSE.split(match["v"].strip(" ,:-"), maxsplit=1)[0].strip(" ,.")
        if rest and len(rest) <= 120 and _DAY_WORDS.search(rest):
            found.append(rest)
    return found


def _wishes(sentences: Sequence[str], subject: str) -> list[str]:
    """What may speak of the rooms wanted: the renter's words before the subject, which may be the advertiser's."""
    own = [sentence for sentence in sentences if not _LISTING_WORDS.search(sentence)]
    return [*own, *([] if _LISTING_WORDS.search(subject) else [subject])]


def _one_of(pattern: re.Pattern[str], texts: Sequence[str]) -> list[str]:
    """What the first text says that says it; nothing when it says two different things."""
    for text in texts:
        found = list(dict.fromkeys(match[0].casefold() for match in pattern.finditer(text)))
        if found:
            return found if len(found) == 1 else []
    return []


def _units(texts: Sequence[str]) -> list[str]:
    matches = (_UNIT.search(text) for text in texts)
    return [match["v"] or match["w"] for match in matches if match]


def _streets(texts: Sequence[str]) -> list[str]:
    """Street addresses in the middle of sentences."""
    found = (match[0] for text in texts if "@" not in text for match in _STREET.finditer(text))
    return [text for text in found if split_address(text).street]


def _places(texts: Sequence[str]) -> list[str]:
    found = [match["v"] for text in texts if (match := _PLACE.search(text))]
    return found or [match["v"] for text in texts if (match := _ABOUT.search(text))]


def is_interest(record: MailRecord, patterns: Sequence[re.Pattern[str]]) -> bool:
    """Whether a mail in free words asks about a home."""
    text = "\n".join([bare_subject(record.subject), *reflowed(own_words(record))])[:20_000]
    return any(pattern.search(text) for pattern in patterns)
