"""The short way through usual addresses and numbers comes to what the long one comes to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadsvc.normalize import emails as of_emails
from leadsvc.normalize import phones as of_phones
from leadsvc.normalize.emails import emails
from leadsvc.normalize.phones import phones

NEVER = re.compile(r"(?!)")


@contextmanager
def without(module: Any, pattern: str) -> Iterator[None]:
    kept = getattr(module, pattern)
    setattr(module, pattern, NEVER)
    try:
        yield
    finally:
        setattr(module, pattern, kept)


def both(ask: Callable[[], Any], module: Any, pattern: str) -> tuple[Any, Any]:
    short = ask()
    with without(module, pattern):
        return short, ask()


WORD = st.text("abzAZ019", min_size=1, max_size=6)
LOCAL = st.lists(WORD | st.sampled_from(["none", "test", "Rosa", "no-reply"]), min_size=1, max_size=4).flatmap(
    lambda words: st.lists(st.sampled_from([".", "_", "+", "-", "..", "", "'"]), min_size=4, max_size=4).map(
        lambda signs: "".join(f"{word}{sign}" for word, sign in zip(words, [*signs[: len(words) - 1], ""], strict=True))
    )
)
HOSTS = (
    "gmail.com GoogleMail.com gmial.com example.com Example.ORG none.com test.com reply.zillow.com convo.zillow.com x "
    "a-.com -a.com a--b.com xn--r8jz45g.jp xn--zz.com 1.2.3.4 a.b.c a..b a.c0m a.com. localhost example.test "
    f"bad_host.com 0.0 a.123 facebook.com a.{'b' * 64}"
)
HOST = st.sampled_from(HOSTS.split()) | st.tuples(WORD, WORD).map(".".join)
ADDRESS = st.tuples(LOCAL, HOST).map("@".join)


@settings(max_examples=400)
@given(
    st.tuples(st.sampled_from(["", " ", "mailto:", "<"]), ADDRESS, st.sampled_from(["", " ", ".", ">", ", x@b.org"]))
)
@example(("", "a" * 64 + "@example.com", ""))
@example(("", "jo+tag@gmail.com", ""))
def test_addresses(parts: tuple[str, str, str]) -> None:
    text = "".join(parts)
    short, long = both(lambda: emails(text), of_emails, "_PLAIN")
    assert short == long


@settings(max_examples=400)
@given(
    st.tuples(
        st.sampled_from(["", "+1", "1", "+1 ", "1-", "+1-", "1.", "+44 ", " ", "\u00a0"]),
        st.sampled_from(["", "("]),
        st.sampled_from(["212", "415", "555", "999", "800", "111", "911", "201"]),
        st.sampled_from(["", ")", ") ", "-", ".", " ", ") -"]),
        st.sampled_from(["555", "212", "200", "911", "000", "999", "123"]),
        st.sampled_from(["", "-", ".", " "]),
        st.sampled_from(["0101", "0000", "5555", "4567", "9999", "2222", "101"]),
        st.sampled_from(["", " ", ".0", "x4", " ext. 5", "\n", "\u3000"]),
    )
)
@example(("", "", "555", "", "555", "", "5555", ""))
@example(("", "", "234", "", "567", "", "8901", ""))
def test_numbers(parts: tuple[str, ...]) -> None:
    text = "".join(parts)
    for region in ("US", "CA", "DE"):
        short, long = both(partial(phones, text, region), of_phones, "_AS_USUAL")
        assert short == long


@pytest.mark.parametrize(
    ("module", "pattern", "text"),
    [(of_emails, "_PLAIN", "rosa.berg@example.com"), (of_phones, "_AS_USUAL", "(212) 555-0101")],
)
def test_there_is_a_short_way(module: Any, pattern: str, text: str) -> None:
    assert getattr(module, pattern).fullmatch(text)
    with without(module, pattern):
        assert getattr(module, pattern).fullmatch(text) is None
