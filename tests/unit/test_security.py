"""Credentials: what is kept, what is shown, and that no change of a signed message goes unnoticed."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsvc.errors import Reject
from leadsvc.security import (
    TOLERANCE_S,
    digest,
    issue,
    may_come_from,
    networks,
    sign,
    signed_by,
    signing_secret,
    split_basic,
    split_token,
)

NOW = 1_790_000_000
SECRET = b"s" * 32
BODY = b'{"name":"Rosa Example"}'


def check(
    header: str,
    body: bytes = BODY,
    message_id: str = "msg_1",
    timestamp: str = str(NOW),
    secrets: tuple[bytes, ...] = (SECRET,),
) -> int:
    return signed_by(secrets, message_id, timestamp, body, header, NOW)


def test_the_secret_is_not_kept() -> None:
    made = issue("bearer", feed="website", secret_key="k")
    prefix, secret = split_token(made.shown)
    assert prefix == made.row["prefix"]
    assert made.row["digest"] == digest(secret)
    assert secret not in str(made.row)


def test_signing_secret_is_derived_and_differs_per_credential_and_deployment() -> None:
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)
    assert signing_secret("k", one) == signing_secret("k", one)
    assert len({signing_secret("k", one), signing_secret("k", other), signing_secret("l", one)}) == 3


def test_what_is_shown_of_a_signing_credential_signs() -> None:
    made = issue("hmac", feed="website", secret_key="k")
    key = base64.b64decode(made.shown.removeprefix("whsec_"))
    assert key == signing_secret("k", made.row["id"])


def test_published_example_of_standard_webhooks() -> None:
    # The example of the specification's own libraries, so that a sender's library and ours agree.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_signatures_and_several_secrets() -> None:
    good = sign(SECRET, "msg_1", str(NOW), BODY)
    assert check(f"v1,AAAA v1a,{good[3:]} {good}") == 0
    assert check(good, secrets=(b"o" * 32, SECRET)) == 1
    assert check(good, secrets=(b"o" * 32,)) == -1


@pytest.mark.parametrize("seconds", [TOLERANCE_S + 1, -TOLERANCE_S - 1])
def test_clocks_too_far_apart(seconds: int) -> None:
    then = str(NOW + seconds)
    assert check(sign(SECRET, "msg_1", then, BODY), timestamp=then) == -1


@pytest.mark.parametrize("seconds", [TOLERANCE_S, -TOLERANCE_S])
def test_clocks_just_near_enough(seconds: int) -> None:
    then = str(NOW + seconds)
    assert check(sign(SECRET, "msg_1", then, BODY), timestamp=then) == 0


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", f" {NOW}", f"{NOW}.0", "9" * 5000, "١٧٩٠٠٠٠٠٠٠"])
def test_timestamps_that_are_none(timestamp: str) -> None:
    assert check(sign(SECRET, "msg_1", timestamp, BODY), timestamp=timestamp) == -1


@given(st.integers(0, len(BODY) * 8 - 1))
def test_no_bit_of_the_body_may_flip(bit: int) -> None:
    flipped = bytearray(BODY)
    flipped[bit // 8] ^= 1 << bit % 8
    assert check(sign(SECRET, "msg_1", str(NOW), BODY), body=bytes(flipped)) == -1


@given(st.text(max_size=300))
def test_no_header_but_the_right_one(header: str) -> None:
    assert check(header) == -1


def test_id_and_time_are_signed_too() -> None:
    good = sign(SECRET, "msg_1", str(NOW), BODY)
    assert check(good, message_id="msg_2") == -1
    assert check(good, timestamp=str(NOW + 1)) == -1
    assert check(good, message_id="") == -1


@given(st.text(max_size=100))
def test_splitting_never_fails(text: str) -> None:
    assert all(isinstance(part, str) for part in (*split_token(text), *split_basic(text)))


def test_basic_password_may_hold_colons() -> None:
    assert split_basic(base64.b64encode(b"user:pass:word").decode()) == ("user", "pass:word")


def test_ip_lists() -> None:
    allowed = networks(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"])
    assert may_come_from(allowed, "192.0.2.9")
    assert may_come_from(allowed, "::ffff:192.0.2.9")
    assert may_come_from(allowed, "2001:db8::1")
    assert may_come_from(allowed, "198.51.100.7")
    assert not may_come_from(allowed, "198.51.100.8")
    assert not may_come_from(allowed, None)
    assert not may_come_from(allowed, "testing")
    assert may_come_from((), None)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "carrier-pigeon", "feed": "website"}, "bearer, basic, hmac, url"),
        ({"kind": "bearer", "feed": None}, "names its feed"),
        ({"kind": "bearer", "feed": "website", "scope": "staff:read"}, "names none"),
        ({"kind": "url", "feed": None, "scope": "staff:read"}, "bearer or basic"),
        ({"kind": "bearer", "feed": None, "scope": "root"}, "staff:read"),
        ({"kind": "bearer", "feed": "website", "allowed_ips": ["somewhere"]}, "somewhere"),
    ],
)
def test_credentials_that_make_no_sense(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(Reject, match=says):
        issue(**({"secret_key": "k"} | wrong))  # type: ignore[arg-type]  # wrong on purpose
