"""Words of North American postal addresses, as data: what people shorten, and what the short form stands for.

Facts from USPS Publication 28 (appendices B, C1, C2) and Canada Post's list of provinces; only forms met in listings.
"""

from __future__ import annotations

# Each group: the full word, then its other spellings.
_SUFFIX_GROUPS = """
    alley aly ally / avenue ave av aven avn / beach bch / bend bnd / boulevard blvd boul / branch br / bridge brg /
    bypass byp / causeway cswy / center ctr cntr centre / circle cir circ crcl / commons cmns / corner cor / court
    ct crt / cove cv / creek crk / crescent cres / crossing xing crssng / drive dr drv / estates ests / expressway
    expy / extension ext / falls fls / field fld / fields flds / ford frd / forest frst / freeway fwy / garden gdn /
    gardens gdns / gateway gtwy / glen gln / green grn / grove grv / harbor hbr harbour / heights hts / highway hwy
    hiway / hill hl / hills hls / hollow holw / island is / junction jct / lake lk / lakes lks / landing lndg / lane
    ln / loop lp / manor mnr / meadow mdw / meadows mdws / mill ml / mills mls / park prk / parkway pkwy pky pkway /
    pass / path / pike / place pl / plaza plz / point pt pte / ranch rnch / ridge rdg / river riv / road rd / route
    rte / row / run / shore shr / shores shrs / spring spg / springs spgs / square sq / station sta stn / street st
    str / summit smt / terrace ter terr / trace trce / trail trl / tunnel tunl / turnpike tpke / valley vly / view
    vw / village vlg / villas / vista vis / walk / way wy
"""

SUFFIXES: dict[str, str] = {
    spelling: group.split()[0] for group in _SUFFIX_GROUPS.split("/") for spelling in group.split()
}

# Suffixes that seldom are part of a city's or a street's name: where a street ends when no comma says so.
_STRONG = """
    avenue boulevard circle court drive expressway highway lane parkway place road square street terrace trail
    turnpike way
"""
STRONG_SUFFIXES = frozenset(_STRONG.split())

_SHORT_DIRECTIONS = {
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "ne": "northeast",
    "nw": "northwest",
    "se": "southeast",
    "sw": "southwest",
}
DIRECTIONS: dict[str, str] = _SHORT_DIRECTIONS | {word: word for word in _SHORT_DIRECTIONS.values()}

# What these stand for in the middle of a street's name, where they are no suffix: "St Charles Ave", "Mt Vernon Rd".
NAME_WORDS: dict[str, str] = {
    "st": "saint",
    "ste": "sainte",
    "mt": "mount",
    "mtn": "mountain",
    "ft": "fort",
    "dr": "doctor",
    "jr": "junior",
    "mlk": "martin luther king",
}

_FIRST_TO_TENTH = "first second third fourth fifth sixth seventh eighth ninth tenth"
_ELEVENTH_ON = "eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
ORDINALS: dict[str, str] = {
    word: f"{number}{_ENDINGS.get(number, 'th')}"
    for number, word in enumerate(f"{_FIRST_TO_TENTH} {_ELEVENTH_ON}".split(), start=1)
}

# House numbers spelled out: "One Bayview Terrace".
_ONE_TO_TEN = "one two three four five six seven eight nine ten"
NUMBER_WORDS: dict[str, str] = {word: str(number) for number, word in enumerate(_ONE_TO_TEN.split(), start=1)}

# Designators of a dwelling inside a building, and of the building itself; "#" is handled beside them.
UNIT_WORDS = ("apartment", "apt", "unit", "suite", "ste", "room", "rm", "lot", "space", "spc", "penthouse", "ph")
BUILDING_WORDS = ("building", "bldg")

# Each group: the code, then the name; the United States first, then Canada.
_STATE_GROUPS = """
    AL alabama / AK alaska / AZ arizona / AR arkansas / CA california / CO colorado / CT connecticut / DE delaware /
    DC district of columbia / FL florida / GA georgia / HI hawaii / ID idaho / IL illinois / IN indiana / IA iowa /
    KS kansas / KY kentucky / LA louisiana / ME maine / MD maryland / MA massachusetts / MI michigan / MN minnesota
    / MS mississippi / MO missouri / MT montana / NE nebraska / NV nevada / NH new hampshire / NJ new jersey / NM
    new mexico / NY new york / NC north carolina / ND north dakota / OH ohio / OK oklahoma / OR oregon / PA
    pennsylvania / PR puerto rico / RI rhode island / SC south carolina / SD south dakota / TN tennessee / TX texas
    / UT utah / VT vermont / VA virginia / WA washington / WV west virginia / WI wisconsin / WY wyoming / AB alberta
    / BC british columbia / MB manitoba / NB new brunswick / NL newfoundland and labrador / NS nova scotia / NT
    northwest territories / NU nunavut / ON ontario / PE prince edward island / QC quebec / SK saskatchewan / YT
    yukon
"""

STATES: dict[str, str] = {" ".join(name): code for code, *name in (group.split() for group in _STATE_GROUPS.split("/"))}
STATE_CODES = frozenset(STATES.values())
