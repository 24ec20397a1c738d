"""Leads find their property by what the PMS knows, and look-alikes do not."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.model import ContactType, HintKind, Lead, PropertyHint, Range, Value
from leadsvc.places import Alias, Directory, FloorPlanRow, Missing, Placement, PropertyRow, Rule, UnitRow

ON = date(2026, 2, 16)


def an_id(*words: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, " ".join(words))


CEDAR, OAKLINE, BAYVIEW = (an_id("property", name) for name in ("chd001", "olf", "bvt"))

PROPERTIES = (
    PropertyRow(
        CEDAR, "chd001", "Cedar Hollow", "America/Chicago", "4100 Cedar Hollow Dr", "Tulsa", "OK", "74105", "chd",
        (Alias("Cedar Hollow Apartments"), Alias("The Cedar Hollow")), "+19185550100",
    ),
    PropertyRow(
        OAKLINE, "olf", "Oakline Lofts", "America/New_York", "600 Oakline Ave", "Columbus", "GA", "31901", "olf",
        (Alias("600 Oakline"), Alias("The Lofts at Oakline")), "+17065550100", {"apartments_com": "7k2m"},
    ),
    PropertyRow(
        BAYVIEW, "bvt", "Bayview Terrace", "America/Los_Angeles", "88 Bayview Ter", "Tacoma", "WA", "98402", "bvt",
        (Alias("Commencement Court", None, date(2025, 6, 30)),),
    ),
)  # fmt: skip


def plan(place: uuid.UUID, code: str, name: str, bedrooms: int, bathrooms: int) -> FloorPlanRow:
    return FloorPlanRow(an_id("plan", code), place, code, name, bedrooms, bathrooms)


def unit(place: uuid.UUID, remote: str, number: str, of_plan: str, zillow: str = "") -> UnitRow:
    listings = {"zillow": zillow} if zillow else {}
    return UnitRow(an_id("unit", remote), place, number, remote, an_id("plan", of_plan), listings)


PLANS = (
    plan(CEDAR, "A1", "Alder", 1, 1),
    plan(CEDAR, "A2", "Aspen", 1, 1),
    plan(CEDAR, "B1", "Birch", 2, 1),
    plan(OAKLINE, "L0", "Studio Loft", 0, 1),
    plan(OAKLINE, "L1", "One Loft", 1, 1),
)
UNITS = (
    unit(CEDAR, "CHD-1BR-22", "22", "A1", "CHD-1BR-22"),
    unit(CEDAR, "CHD-2BR-7", "7", "B1", "2077001"),
    unit(OAKLINE, "olf-9", "9", "L1", "olf-9"),
    unit(BAYVIEW, "bvt-11", "11", "T2"),
)
DIRECTORY = Directory(PROPERTIES, UNITS, PLANS)

ID, LISTING, TAG, NAME, ADDRESS = (
    HintKind.PROPERTY_ID,
    HintKind.LISTING_ID,
    HintKind.MAILBOX_TAG,
    HintKind.NAME,
    HintKind.ADDRESS,
)
Hints = list[tuple[HintKind, str]]


def a_lead(hints: Hints, source: str = "zillow") -> Lead:
    values = tuple(Value(PropertyHint(kind, text), text, "as sent") for kind, text in hints)
    return Lead(source, ContactType.FORM, "form", "some_map", 1, property_hints=values)


def said(text: str) -> Value[str]:
    return Value(text, text, "as sent")


def place(*hints: tuple[HintKind, str], source: str = "zillow", on: date = ON) -> Placement:
    return DIRECTORY.place(a_lead(list(hints), source), on)


@pytest.mark.parametrize(
    ("kind", "text", "expected", "rule"),
    [
        (ID, "chd001", CEDAR, Rule.PROPERTY_ID),
        (ID, " CHD001 ", CEDAR, Rule.PROPERTY_ID),
        (ID, "+17065550100", OAKLINE, Rule.PROPERTY_ID),
        (ID, "Cedar Hollow", CEDAR, Rule.NAME),
        (LISTING, "CHD-1BR-22", CEDAR, Rule.LISTING_ID),
        (TAG, "bvt", BAYVIEW, Rule.MAILBOX_TAG),
        (TAG, "leads+olf@inbox.example.com", OAKLINE, Rule.MAILBOX_TAG),
        (NAME, "CEDAR HOLLOW", CEDAR, Rule.NAME),
        (NAME, "The Lofts at Oakline", OAKLINE, Rule.NAME),
        (NAME, "Oakline Lofts Apartment Homes", OAKLINE, Rule.NAME),
        (NAME, "Bayview Terrace - Tacoma, WA", BAYVIEW, Rule.NAME),
        (NAME, "Cedar Hollow Tulsa OK", CEDAR, Rule.NAME),
        (NAME, "Oakline Lofts\n600 Oakline Ave,\nColumbus, GA 31901", OAKLINE, Rule.NAME),
        (NAME, "88 Bayview Terrace", BAYVIEW, Rule.ADDRESS),
        (NAME, "600 Oakline", OAKLINE, Rule.NAME),
        (ADDRESS, "88 Bayview Ter #11, Tacoma, WA 98402", BAYVIEW, Rule.ADDRESS),
        (ADDRESS, "4100 CEDAR HOLLOW DRIVE APT 22 TULSA OK 74105", CEDAR, Rule.ADDRESS),
        (ADDRESS, "600 Oakline Ave", OAKLINE, Rule.ADDRESS),
        (ADDRESS, "4100 Cedar Hollow, Tulsa, OK", CEDAR, Rule.NEARLY),
        (ADDRESS, "4100 Ceder Hollow Dr, Tulsa OK 74105", CEDAR, Rule.NEARLY),
        (NAME, "Oak Line Lofts", OAKLINE, Rule.NEARLY),
        (NAME, "Ceder Hollow", CEDAR, Rule.NEARLY),
    ],
)
def test_one_hint_is_enough(kind: HintKind, text: str, expected: uuid.UUID, rule: Rule) -> None:
    placed = place((kind, text))
    assert (placed.property_id, placed.rule) == (expected, rule), placed.sentence
    assert DIRECTORY.properties[expected].name in placed.sentence


@pytest.mark.parametrize(
    ("hints", "rule"),
    [
        ([], Rule.UNKNOWN),
        ([(NAME, "  ")], Rule.UNKNOWN),
        ([(NAME, "Bright corner unit, water view")], Rule.UNKNOWN),
        ([(ID, "7700000123")], Rule.UNKNOWN),
        # Same number in another street; same street with another number, suffix, direction or town.
        ([(ADDRESS, "4100 Cedar Creek Dr, Tulsa, OK 74105")], Rule.UNKNOWN),
        ([(ADDRESS, "4100 Elm St, Tulsa, OK 74105")], Rule.UNKNOWN),
        ([(ADDRESS, "4102 Cedar Hollow Dr, Tulsa, OK 74105")], Rule.UNKNOWN),
        ([(ADDRESS, "4100 Cedar Hollow Ln, Tulsa, OK 74105")], Rule.UNKNOWN),
        ([(ADDRESS, "600 Oakline Ave, Columbus, OH 43004")], Rule.UNKNOWN),
        ([(ADDRESS, "600 Oakline Ave, Macon")], Rule.UNKNOWN),
        # Without a town, no omission is forgiven.
        ([(ADDRESS, "4100 Ceder Hollow Dr")], Rule.UNKNOWN),
        # Same name in another town.
        ([(NAME, "Cedar Hollow"), (ADDRESS, "12 Main St, Dallas, TX 75201")], Rule.CONFLICT),
        ([(NAME, "Cedar Hollow - Dallas, TX")], Rule.CONFLICT),
        ([(NAME, "Cedar Hollow"), (ADDRESS, "4100 Cedar Hollow Dr, Broken Arrow, OK 74011")], Rule.CONFLICT),
        # Names that are like ours and are not ours.
        ([(NAME, "Cedar Hollow II")], Rule.UNKNOWN),
        ([(NAME, "Cedar Hills")], Rule.UNKNOWN),
        ([(NAME, "Lakeview Terrace")], Rule.UNKNOWN),
        ([(NAME, "Cedar Hollow Townhomes")], Rule.UNKNOWN),
        ([(NAME, "500 Oakline")], Rule.UNKNOWN),
        # Hints that disagree with each other.
        ([(TAG, "chd"), (NAME, "Oakline Lofts")], Rule.CONFLICT),
        ([(TAG, "chd"), (NAME, "Oakline Loft")], Rule.CONFLICT),
        ([(LISTING, "CHD-1BR-22"), (ID, "olf")], Rule.CONFLICT),
        ([(ID, "chd001"), (ADDRESS, "88 Bayview Ter, Tacoma, WA")], Rule.CONFLICT),
        ([(NAME, "Oakline Lofts, 88 Bayview Ter, Tacoma, WA")], Rule.CONFLICT),
        ([(TAG, "chd"), (ADDRESS, "5 Low St, Macon, GA 31201")], Rule.CONFLICT),
        # Likeness is not enough beside something that would have named one place and is unknown.
        ([(NAME, "Ceder Hollow"), (ID, "999")], Rule.UNKNOWN),
        ([(NAME, "Ceder Hollow"), (ADDRESS, "9 Elm St, Tulsa, OK")], Rule.UNKNOWN),
        # Another site's listing ids are not this one's.
        ([(LISTING, "7k2m")], Rule.UNKNOWN),
    ],
)
def test_no_guess(hints: Hints, rule: Rule) -> None:
    placed = place(*hints)
    assert (placed.property_id, placed.unit_id, placed.floor_plan_id) == (None, None, None)
    assert placed.rule is rule, placed.sentence
    assert "a person must choose" in placed.sentence


def test_disagreement_names_both_sides_and_offers_both() -> None:
    placed = place((TAG, "chd"), (NAME, "Oakline Lofts"))
    assert "mailbox tag says Cedar Hollow (Tulsa)" in placed.sentence
    assert "name says Oakline Lofts (Columbus)" in placed.sentence
    assert [candidate.property_id for candidate in placed.candidates] == [CEDAR, OAKLINE]


def test_hints_that_agree_are_all_told_and_the_unknown_ones_kept() -> None:
    placed = place((NAME, "Oakline Lofts"), (ID, "200000002"), (TAG, "olf"))
    assert placed.property_id == OAKLINE
    assert placed.rule is Rule.MAILBOX_TAG
    assert placed.sentence == "Oakline Lofts, by mailbox tag and name"
    assert placed.unresolved == ((Missing.PROPERTY, "200000002"),)


def test_building_with_a_number_of_its_own_in_the_same_town() -> None:
    placed = place((NAME, "Cedar Hollow"), (ADDRESS, "4118 Cedar Hollow Dr, Tulsa, OK 74105"))
    assert placed.property_id == CEDAR
    assert placed.unresolved == ((Missing.PROPERTY, "4118 Cedar Hollow Dr, Tulsa, OK 74105"),)


def test_a_suburb_or_a_mistyped_postal_code_does_not_overrule_an_id() -> None:
    assert place((ID, "chd001"), (ADDRESS, "9 Elm St, Jenks, OK")).property_id == CEDAR
    assert place((ADDRESS, "600 Oakline Ave, Columbus, GA 31910")).property_id == OAKLINE


def test_listings_belong_to_their_network() -> None:
    assert place((LISTING, "2077001"), source="hotpads").property_id == CEDAR
    assert place((LISTING, "2077001"), source="zumper").property_id is None
    assert place((LISTING, "7K2M"), source="forrent").property_id == OAKLINE
    assert place((ID, "7k2m"), source="apartments_com").property_id == OAKLINE


def test_listing_ids_of_no_known_site_count_at_each() -> None:
    directory = Directory(PROPERTIES, [replace(UNITS[0], listing_ids=("55501",))])
    for source in ("zillow", "zumper"):
        assert directory.place(a_lead([(LISTING, "55501")], source), ON).unit_id == UNITS[0].id


class TestNamesInTime:
    def test_former_name_holds_until_its_last_day(self) -> None:
        assert place((NAME, "Commencement Court"), on=date(2025, 6, 30)).property_id == BAYVIEW
        late = place((NAME, "Commencement Court"), on=date(2025, 7, 1))
        assert late.property_id is None
        assert "Commencement Court (Bayview Terrace) until 2025-06-30, not on the day of the lead" in late.sentence
        assert [candidate.property_id for candidate in late.candidates] == [BAYVIEW]

    def test_a_lapsed_name_agrees_with_its_property_and_no_other(self) -> None:
        assert place((NAME, "Commencement Court"), (TAG, "bvt")).property_id == BAYVIEW
        stray = place((NAME, "Commencement Court"), (TAG, "olf"))
        assert (stray.property_id, stray.rule) == (None, Rule.CONFLICT)
        assert "but another hint says Oakline Lofts" in stray.sentence
        assert {candidate.property_id for candidate in stray.candidates} == {OAKLINE, BAYVIEW}

    def test_a_name_passed_on_means_its_new_bearer(self) -> None:
        heir = replace(PROPERTIES[1], aliases=(Alias("Commencement Court", date(2025, 9, 1)),))
        directory = Directory((PROPERTIES[0], heir, PROPERTIES[2]))
        lead = a_lead([(NAME, "Commencement Court")])
        assert directory.place(lead, date(2025, 6, 1)).property_id == BAYVIEW
        assert directory.place(lead, date(2025, 8, 1)).property_id is None
        assert directory.place(lead, date(2025, 9, 1)).property_id == OAKLINE

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            (ID, "chd001"),
            (LISTING, "CHD-1BR-22"),
            (TAG, "chd"),
            (NAME, "Cedar Hollow"),
            (ADDRESS, "4100 Cedar Hollow Dr"),
        ],
    )
    def test_nothing_is_placed_at_a_sold_property(self, kind: HintKind, text: str) -> None:
        sold = replace(PROPERTIES[0], managed_to=date(2026, 1, 31))
        directory = Directory((sold, *PROPERTIES[1:]), UNITS)
        assert directory.place(a_lead([(kind, text)]), date(2026, 1, 31)).property_id == CEDAR
        late = directory.place(a_lead([(kind, text)]), ON)
        assert late.property_id is None
        assert "Cedar Hollow until 2026-01-31" in late.sentence
        assert [candidate.property_id for candidate in late.candidates] == [CEDAR]

    def test_not_before_it_was_ours(self) -> None:
        bought = replace(PROPERTIES[0], managed_from=date(2026, 3, 1))
        assert Directory((bought,)).place(a_lead([(NAME, "Cedar Hollow")]), ON).property_id is None


class TestSameName:
    twin = replace(
        PROPERTIES[0], id=an_id("twin"), remote_id="chd002", street="77 Low St", city="Plano", state="TX",
        postal_code="75023", mailbox_tag="chp", office_phone="",
    )  # fmt: skip
    directory = Directory((*PROPERTIES, twin))

    def test_alone_is_ambiguous(self) -> None:
        placed = self.directory.place(a_lead([(NAME, "Cedar Hollow")]), ON)
        assert (placed.property_id, placed.rule) == (None, Rule.AMBIGUOUS)
        assert "Cedar Hollow (Plano) and Cedar Hollow (Tulsa)" in placed.sentence
        assert len(placed.candidates) == 2

    @pytest.mark.parametrize(
        "hint", [(TAG, "chp"), (ID, "chd002"), (ADDRESS, "77 Low Street, Plano"), (NAME, "Cedar Hollow Plano")]
    )
    def test_another_hint_decides(self, hint: tuple[HintKind, str]) -> None:
        assert self.directory.place(a_lead([(NAME, "Cedar Hollow"), hint]), ON).property_id == self.twin.id

    def test_two_as_near_as_each_other_is_no_match(self) -> None:
        near = replace(self.twin, id=an_id("near"), remote_id="x", name="Cedar Hallow", aliases=(), mailbox_tag="")
        placed = Directory((PROPERTIES[0], near)).place(a_lead([(NAME, "Cedar Hullow")]), ON)
        assert placed.property_id is None
        assert {candidate.property_id for candidate in placed.candidates} == {CEDAR, near.id}


class TestUnit:
    @pytest.mark.parametrize("text", ["22", "#22", "Apt 22", "unit 022", "Apartment #22", "chd-1br-22"])
    def test_by_text(self, text: str) -> None:
        placed = DIRECTORY.place(replace(a_lead([(ID, "chd001")]), unit_hint=said(text)), ON)
        assert placed.unit_id == UNITS[0].id
        assert placed.floor_plan_id == PLANS[0].id
        assert placed.unresolved == ()

    def test_by_listing_and_by_address(self) -> None:
        assert place((LISTING, "CHD-1BR-22")).unit_id == UNITS[0].id
        assert place((ADDRESS, "88 Bayview Ter #11, Tacoma, WA 98402")).unit_id == UNITS[3].id

    def test_unknown_unit_is_noted_and_does_not_unplace(self) -> None:
        placed = DIRECTORY.place(replace(a_lead([(ID, "chd001")]), unit_hint=said("9")), ON)
        assert (placed.property_id, placed.unit_id) == (CEDAR, None)
        assert placed.unresolved == ((Missing.UNIT, "9"),)

    def test_two_units_are_none(self) -> None:
        placed = DIRECTORY.place(replace(a_lead([(LISTING, "CHD-1BR-22")]), unit_hint=said("7")), ON)
        assert (placed.property_id, placed.unit_id) == (CEDAR, None)
        assert placed.unresolved == ((Missing.UNIT, "7"),)

    def test_numbers_that_fold_to_one_are_told_apart_or_left(self) -> None:
        rows = (unit(CEDAR, "a", "B-2", "A1"), unit(CEDAR, "b", "B2", "A1"), unit(CEDAR, "c", "02", "A1"))
        directory = Directory(PROPERTIES, rows)
        lead = a_lead([(ID, "chd001")])
        assert directory.place(replace(lead, unit_hint=said("b2")), ON).unit_id is None
        assert directory.place(replace(lead, unit_hint=said("2")), ON).unit_id == rows[2].id

    def test_a_number_goes_before_another_units_id(self) -> None:
        rows = (unit(CEDAR, "7", "101", "A1"), unit(CEDAR, "9", "7", "A1"))
        lead = replace(a_lead([(ID, "chd001")]), unit_hint=said("7"))
        assert Directory(PROPERTIES, rows).place(lead, ON).unit_id == rows[1].id

    def test_of_a_property_that_is_left_out(self) -> None:
        rest = Directory(PROPERTIES[1:], UNITS)
        assert rest.place(a_lead([(LISTING, "CHD-1BR-22")]), ON).property_id is None
        assert rest.place(a_lead([(LISTING, "olf-9")]), ON).unit_id == UNITS[2].id


class TestFloorPlan:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("A2", "A2"),
            ("a2 ", "A2"),
            ("Aspen", "A2"),
            ("A2 - Aspen (1x1)", "A2"),
            ("The Birch", "B1"),
            ("Aspin", None),
            ("Birchh", "B1"),
            ("2 bedroom", "B1"),
            ("2x1", "B1"),
            ("2x2", None),
            ("1 bed", None),
            ("Alder or Aspen", None),
            ("C9", None),
        ],
    )
    def test_by_text(self, text: str, code: str | None) -> None:
        placed = DIRECTORY.place(replace(a_lead([(ID, "chd001")]), floor_plan_hint=said(text)), ON)
        assert placed.property_id == CEDAR
        assert placed.floor_plan_id == (an_id("plan", code) if code else None)
        assert placed.unresolved == (() if code else ((Missing.FLOOR_PLAN, text),))

    def test_studio(self) -> None:
        placed = DIRECTORY.place(replace(a_lead([(ID, "olf")]), floor_plan_hint=said("Studio")), ON)
        assert placed.floor_plan_id == an_id("plan", "L0")

    def test_bedrooms_can_speak_against_a_near_name(self) -> None:
        asked = replace(a_lead([(ID, "chd001")]), floor_plan_hint=said("Birchh"))
        two, three = (Value(Range(beds, beds), str(beds), "as sent") for beds in (2.0, 3.0))
        assert DIRECTORY.place(replace(asked, bedrooms=two), ON).floor_plan_id == an_id("plan", "B1")
        assert DIRECTORY.place(replace(asked, bedrooms=three), ON).floor_plan_id is None

    def test_other_than_the_units_is_none(self) -> None:
        placed = DIRECTORY.place(replace(a_lead([(LISTING, "CHD-1BR-22")]), floor_plan_hint=said("A2")), ON)
        assert (placed.unit_id, placed.floor_plan_id) == (UNITS[0].id, None)
        assert placed.unresolved == ((Missing.FLOOR_PLAN, "A2"),)


def test_nothing_of_a_lead_without_property_is_resolved() -> None:
    lead = replace(a_lead([(NAME, "Elsewhere")]), unit_hint=said("22"), floor_plan_hint=said("A2"))
    placed = DIRECTORY.place(lead, ON)
    assert (placed.unit_id, placed.floor_plan_id) == (None, None)


def test_an_empty_directory_places_nothing() -> None:
    assert Directory(()).place(a_lead([(NAME, "Cedar Hollow")]), ON).rule is Rule.UNKNOWN


ANY_HINT = st.tuples(
    st.sampled_from(list(HintKind)),
    st.text(max_size=60)
    | st.sampled_from(
        ["chd001", "olf", "chd", "Cedar Hollow", "Oakline Lofts", "88 Bayview Ter", "Tulsa, OK", "olf-9"]
    ),
)


@given(st.lists(ANY_HINT, max_size=4), st.sampled_from(["zillow", "zumper", ""]))
def test_any_hints_are_survived_in_any_order(hints: Hints, source: str) -> None:
    placed = DIRECTORY.place(a_lead(hints, source), ON)
    turned = DIRECTORY.place(a_lead(hints[::-1], source), ON)
    assert (placed.property_id, placed.unit_id, placed.rule) == (turned.property_id, turned.unit_id, turned.rule)
    assert placed.sentence
    assert placed.property_id in {CEDAR, OAKLINE, BAYVIEW, None}
