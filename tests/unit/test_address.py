"""Addresses as listings write them, and addresses that only look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.normalize.address import Address, StreetParts, city_key, fold, split_address, street_key, street_parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("88 Bayview Ter #11, Tacoma, WA 98402", Address("88 Bayview Ter", "11", "Tacoma", "WA", "98402")),
        ("88 Bayview Ter, #11, Tacoma, WA, 98402-1234", Address("88 Bayview Ter", "11", "Tacoma", "WA", "98402")),
        ("4100 Cedar Hollow Dr Apt. 22 Tulsa OK 74105", Address("4100 Cedar Hollow Dr", "22", "Tulsa", "OK", "74105")),
        (
            "Oakline Lofts\n600 Oakline Ave,\nColumbus, Georgia 31901, USA",
            Address("600 Oakline Ave", "", "Columbus", "GA", "31901"),
        ),
        ("Cedar Hollow - 4100 Cedar Hollow Dr - Tulsa, OK", Address("4100 Cedar Hollow Dr", "", "Tulsa", "OK", "")),
        ("600 oakline ave, columbus ga", Address("600 oakline ave", "", "columbus", "GA", "")),
        ("100 Main St Cedar Park TX 78613", Address("100 Main St", "", "Cedar Park", "TX", "78613")),
        ("5 Main St St Louis MO 63101", Address("5 Main St", "", "St Louis", "MO", "63101")),
        ("5 N Court St South Bend IN 46601", Address("5 N Court St", "", "South Bend", "IN", "46601")),
        ("1200 Fifth Avenue South", Address("1200 Fifth Avenue South", "", "", "", "")),
        ("45 Queen St W, Toronto, ON m5h2m9", Address("45 Queen St W", "", "Toronto", "ON", "M5H 2M9")),
        ("10 E 23rd St, New York, New York 10010", Address("10 E 23rd St", "", "New York", "NY", "10010")),
        ("9 Elm Rd Bldg 4 Apt 12, Tulsa, OK", Address("9 Elm Rd", "4-12", "Tulsa", "OK", "")),
        ("Columbus, GA 31901", Address("", "", "Columbus", "GA", "31901")),
        ("12 Oak Ct", Address("12 Oak Ct", "", "", "", "")),
        ("Bright corner unit", Address()),
        ("#11", Address(unit="11")),
        ("74105", Address(postal_code="74105")),
        ("", Address()),
    ],
)
def test_parts(text: str, expected: Address) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize(
    "texts",
    [
        (
            "4100 Cedar Hollow Dr",
            "4100 CEDAR HOLLOW DRIVE",
            "4100 Cedar Hollow Dr. Apt 22",
            "4100  cedar hollow drive, Tulsa",
        ),
        ("1200 5th Ave S", "1200 Fifth Avenue South", "1200 fifth av. S., Seattle, WA"),
        ("123 St Charles Ave", "123 Saint Charles Avenue"),
        ("1 Bayview Ter", "One Bayview Terrace"),
        ("8500 Hwy 50", "8500 Highway 50"),
        ("9 Rue de l'Église", "9 rue de l\u2019eglise"),
    ],
)
def test_spellings_of_one_street_share_a_key(texts: tuple[str, ...]) -> None:
    assert len({street_key(text) for text in texts}) == 1
    assert street_key(texts[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4100 Cedar Hollow Dr", "4100 Cedar Hollow Ln"),
        ("4100 Cedar Hollow Dr", "4100 Cedar Creek Dr"),
        ("4100 Cedar Hollow Dr", "410 Cedar Hollow Dr"),
        ("600 N Oakline Ave", "600 S Oakline Ave"),
        ("600 Oakline Ave", "600 N Oakline Ave"),
        ("100 5th Ave", "100 5th St"),
    ],
)
def test_other_streets_have_other_keys(one: str, other: str) -> None:
    assert street_key(one) != street_key(other)


def test_parts_of_a_key() -> None:
    assert street_parts("600 north oakline avenue") == StreetParts("600", "oakline", "avenue", "north")
    assert street_parts("500 north street") == StreetParts("500", "north", "street", "")
    assert street_parts("10 washington") == StreetParts("10", "washington", "", "")
    assert street_parts("") == StreetParts("", "", "", "")


def test_no_house_number_no_key() -> None:
    assert street_key("Cedar Hollow") == street_key("Tulsa, OK") == street_key("") == ""


def test_prose_is_no_address() -> None:
    assert split_address("1 Main St " + "very long words " * 40) == Address()


def test_fold() -> None:
    assert fold("  The Café at St. John's &  Co ") == "the cafe at st johns and co"


def test_city_key() -> None:
    assert city_key("St. Louis") == city_key("SAINT LOUIS") != city_key("Louisville")
    assert city_key("N Little Rock") == city_key("North Little Rock")


@given(st.text(max_size=350))
def test_any_text_is_survived_and_keys_are_stable(text: str) -> None:
    split_address(text)
    key = street_key(text)
    street_parts(key)
    assert key == key.lower()
    assert street_key(text) == key
