"""What goes wrong with a value between a person's head and a lead's field; one function, one mishap."""

from __future__ import annotations

from random import Random

_NEAR = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "adwx", "d": "sfec", "f": "dgrv", "g": "fhtb", "h": "gjyn", "j": "hkum", "k": "jlim",
    "l": "kop", "z": "xas", "x": "zcd", "c": "xvf", "v": "cbg", "b": "vnh", "n": "bmj", "m": "nk",
    "1": "2", "2": "13", "3": "24", "4": "35", "5": "46", "6": "57", "7": "68", "8": "79", "9": "80", "0": "9",
}  # fmt: skip
_LOOKS = (("rn", "m"), ("m", "rn"), ("0", "o"), ("o", "0"), ("l", "1"), ("1", "l"), ("i", "l"), ("5", "s"), ("s", "5"),
          ("vv", "w"), ("w", "vv"), ("cl", "d"), ("d", "cl"), ("h", "b"), ("e", "c"), ("g", "9"))  # fmt: skip
_SOUNDS = (("ph", "f"), ("mith", "myth"), ("ck", "k"), ("c", "k"), ("k", "c"), ("ei", "ie"), ("ie", "y"), ("y", "i"),
           ("ee", "ea"), ("ea", "ee"), ("ou", "u"), ("oo", "u"), ("sh", "ch"), ("ch", "sh"), ("z", "s"), ("s", "z"),
           ("th", "t"), ("gh", ""), ("kh", "k"), ("x", "ks"), ("ng", "n"), ("v", "b"), ("w", "v"), ("j", "y"),
           ("ll", "l"), ("nn", "n"), ("tt", "t"), ("ss", "s"), ("rr", "r"), ("e", "i"), ("a", "e"), ("o", "u"),
           ("n", "nn"), ("l", "ll"))  # fmt: skip
_AUTOCORRECT = {
    "thuy": "They", "minh": "Mint", "huong": "Huang", "ngoc": "Nichole", "phuong": "Phone", "linh": "Link",
    "siobhan": "Siberian", "niamh": "Name", "aoife": "Safe", "jian": "Jean", "wei": "We", "jun": "June", "xiao": "Ciao",
    "adaeze": "Adams", "ngozi": "Ingots", "chioma": "China", "tunde": "Tune", "yuri": "Your", "iouri": "Your",
    "srinivas": "Services", "kavya": "Java", "arjun": "Argon", "noor": "Nor", "omar": "Omaha", "tariq": "Tariff",
    "makoa": "Makes", "kekoa": "Kenya", "lani": "Lane", "jorg": "Jog", "soren": "Screen", "femke": "Female",
    "gosia": "Gossip", "piotr": "Pilot", "ondrej": "Under", "ines": "Lines", "joao": "Join", "joaquin": "Joaquim",
    "keegan": "Keeping", "kelsey": "Kelsi", "robin": "Robyn", "tara": "Terra", "kai": "Kay", "hao": "How", "ji": "Hi",
}  # fmt: skip
DOMAIN_SLIPS = {
    "gmail.com": ("gmal.com", "gmaill.com", "gamil.com", "gmail.cm", "gmail.con", "gmail.om", "gmil.com", "gmail.comm",
                  "googlemail.con", "gmail.co"),
    "yahoo.com": ("yaho.com", "yahoo.co", "tahoo.com", "yahoo.cm", "uahoo.com"),
    "hotmail.com": ("hotmil.com", "hotmai.com", "hotmail.cm", "htmail.com"),
    "outlook.com": ("outloook.com", "outlook.con", "oulook.com"),
    "icloud.com": ("icloud.con", "iclould.com", "icoud.com"),
    "aol.com": ("aol.cm", "aoll.com"),
    "msn.com": ("msn.con", "mns.com"),
}  # fmt: skip


def typed(random: Random, text: str) -> str:
    """A slip of the finger: a neighbouring key, a letter left out, doubled, or two changed about."""
    if len(text) < 3:
        return text
    at = 1 + int(random.random() * (len(text) - 1))
    kind = random.random()
    if kind < 0.4:
        keys = _NEAR.get(text[at].lower())
        return (
            text[:at] + keys[int(random.random() * len(keys))] + text[at + 1 :] if keys else text[:at] + text[at + 1 :]
        )
    if kind < 0.65:
        return text[:at] + text[at + 1 :]
    if kind < 0.82:
        return text[:at] + text[at] + text[at:]
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]


def _replaced(random: Random, text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    lower = text.lower()
    fitting = [(one, other) for one, other in pairs if one in lower[1:]]
    if not fitting:
        return text
    one, other = fitting[int(random.random() * len(fitting))]
    at = lower.index(one, 1)
    return text[:at] + other + text[at + len(one) :]


def misread(random: Random, text: str) -> str:
    """Handwriting or a scan taken for letters that look alike."""
    return _replaced(random, text, _LOOKS)


def misheard(random: Random, text: str) -> str:
    """Written by ear."""
    return _replaced(random, text, _SOUNDS)


def corrected(text: str, bare: str) -> str:
    """What a telephone's keyboard makes of a name it does not know."""
    return _AUTOCORRECT.get(bare, text)


def wrong_digit(random: Random, digits: str) -> str:
    at = len(digits) - 7 + int(random.random() * 7)
    return digits[:at] + str((int(digits[at]) + 1 + int(random.random() * 9)) % 10) + digits[at + 1 :]


def exchanged_digits(random: Random, digits: str) -> str:
    at = len(digits) - 7 + int(random.random() * 6)
    return digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]


def mojibake(text: str) -> str:
    """UTF-8 read as Latin-1; text that cannot be is left alone."""
    return text.encode("utf-8").decode("latin-1") if not text.isascii() else text


def malformed(random: Random, address: str) -> str:
    """An address no mail program takes, though a reader knows what is meant."""
    local, _, domain = address.partition("@")
    kind = int(random.random() * 5)
    if kind == 0:
        return f"{local}{domain}"
    if kind == 1:
        return f"{local} @ {domain}"
    if kind == 2:
        return f"{address}."
    if kind == 3:
        return f"{local}@{domain.replace('.', ',')}"
    return f"mailto:{address}"


def spoken_address(random: Random, address: str) -> str:
    """An address as people put it into prose."""
    local, _, domain = address.partition("@")
    kind = random.random()
    if kind < 0.6:
        return address
    if kind < 0.8:
        return f"{local} at {domain}"
    if kind < 0.9:
        return f"{local}[at]{domain}"
    return f"{local} (at) {domain.replace('.', ' dot ')}"


_LOCAL = ("{a}{b}{c}", "({a}) {b}-{c}", "({a}){b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}", "1{a}{b}{c}",
          "+1{a}{b}{c}", "+1 {a}-{b}-{c}", "+1 ({a}) {b}-{c}", "001 {a} {b} {c}", "{a}/{b}-{c}", "1 ({a}) {b} {c}",
          "{a}{b}-{c}")  # fmt: skip
_LOCAL_BOUNDS = (0.2, 0.38, 0.44, 0.60, 0.67, 0.73, 0.78, 0.86, 0.90, 0.93, 0.94, 0.95, 0.98)


def local_phone(u: float, digits: str) -> str:
    """Ten digits in one of the ways they are written; ``u`` in [0, 1) chooses."""
    kind = 0
    for bound in _LOCAL_BOUNDS:
        if u < bound:
            break
        kind += 1
    return _LOCAL[kind].format(a=digits[:3], b=digits[3:6], c=digits[6:])


def foreign_phone(u: float, number: str) -> str:
    """``+CC…`` in one of the ways it is written, now and then without its country."""
    code, rest = number[1:].split(" ", 1)
    if u < 0.4:
        return f"+{code}{rest}"
    if u < 0.65:
        return f"+{code} {rest[:2]} {rest[2:5]} {rest[5:]}"
    if u < 0.85:
        return f"00{code}{rest}"
    return f"0{rest}" if u < 0.93 else rest
