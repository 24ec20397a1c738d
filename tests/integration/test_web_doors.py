"""Sign-in, sessions, CSRF, throttling: who gets in, and who does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadsvc.faults import Commit
from leadsvc.store import tables
from leadsvc.web import accounts
from leadsvc.web.guard import PUBLIC, local_path
from leadsvc.web.throttle import Throttle
from tests.integration.web_support import PASSWORD, Site, site, token
from tests.processes import free_port

HTTPS = "https://leads.example.com"


@pytest.fixture
def doors(sqlite_database: str, tmp_path: Path) -> Iterator[Site]:
    with site(sqlite_database, tmp_path) as made:
        yield made


def test_nothing_is_shown_before_sign_in(doors: Site) -> None:
    for rule in doors.app.url_map.iter_rules():
        path = re.sub(r"<uuid:[a-z_]+>", "01a1fb87-0d9e-7d63-b158-295f595d9b54", rule.rule)
        path = re.sub(r"<[a-z_:]+>", "x", path)
        if not rule.endpoint.startswith("web.") or rule.endpoint in PUBLIC:
            continue
        if "GET" in (rule.methods or ()):
            answer = doors.get(path)
            assert answer.status_code in {303, 404}, path
            assert answer.headers.get("Location", "/sign-in").startswith("/sign-in"), path


def test_the_first_link_makes_an_admin_once(doors: Site) -> None:
    link = doors.link()
    assert link
    form = doors.get(link)
    made = {"csrf_token": token(form), "login": " Dana@Example.com ", "password": PASSWORD, "again": PASSWORD}
    assert doors.client.post(link, data=made).headers["Location"] == "/"
    (user,) = doors.rows(tables.users)
    assert (user.login, user.role) == ("dana@example.com", "admin")
    assert user.password_hash.startswith("$argon2id$")
    assert doors.get("/").status_code == 200
    assert doors.get(link).status_code == 404
    assert doors.client.post(link, data=made | {"login": "other"}).status_code in {400, 404}
    assert doors.link() is None
    assert doors.count(tables.users) == 1


def test_the_first_account_ends_every_other_link(doors: Site) -> None:
    one, other = doors.link(), doors.link()
    assert one
    assert other
    values = {"login": "dana", "password": PASSWORD, "again": PASSWORD}
    assert doors.post(one, form_on=one, **values).status_code == 303
    assert doors.get(other).status_code == 404


def test_a_link_dies_after_a_day(doors: Site) -> None:
    link = doors.link()
    assert link
    doors.clock.forward(hours=23, minutes=59)
    assert doors.get(link).status_code == 200
    doors.clock.forward(minutes=2)
    assert doors.get(link).status_code == 404
    assert doors.link(), "a new one can be had, because nobody has an account"


@pytest.mark.parametrize(
    ("login", "password", "again"),
    [
        ("dana", "short one", "short one"),
        ("dana", PASSWORD, PASSWORD + "!"),
        ("dana", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"),
        ("dana", "my name is dana, hello", "my name is dana, hello"),
        ("da na", PASSWORD, PASSWORD),
        ("<script>", PASSWORD, PASSWORD),
        ("dana", "x" * 300, "x" * 300),
    ],
)
def test_a_bad_choice_leaves_the_link_alive(doors: Site, login: str, password: str, again: str) -> None:
    link = doors.link()
    assert link
    answer = doors.post(link, form_on=link, login=login, password=password, again=again)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert doors.count(tables.users) == 0
    assert doors.get(link).status_code == 200


def test_wrong_and_unknown_are_answered_alike(doors: Site) -> None:
    doors.add_user("dana")
    wrong = doors.sign_in("dana", "not the password")
    unknown = doors.sign_in("nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    clean = re.compile(r'value="[^"]*"')
    assert clean.sub("", wrong.text) == clean.sub("", unknown.text)
    refused = doors.rows(tables.audit, tables.audit.c.action == "sign_in.refused")
    assert len(refused) == 2
    assert "nobody" not in str([row.subject for row in refused])


def test_guessing_is_slowed_down_per_login(doors: Site) -> None:
    doors.add_user("dana")
    answers = [doors.sign_in("dana", f"guess number {number}").status_code for number in range(9)]
    assert answers == [401] * 8 + [429]
    assert doors.sign_in("DANA").status_code == 429, "also with the right password, and in any spelling"


def test_guessing_is_slowed_down_per_address(doors: Site) -> None:
    answers = {doors.sign_in(f"user{number}", "some guess or other").status_code for number in range(40)}
    assert answers == {401}
    doors.add_user("dana")
    assert doors.sign_in("dana").status_code == 429


def test_the_session_is_new_after_sign_in_and_ends_at_sign_out(doors: Site) -> None:
    doors.add_user("dana")
    doors.get("/sign-in")
    before = doors.client.get_cookie("leadsvc")
    assert doors.sign_in("dana").status_code == 303
    after = doors.client.get_cookie("leadsvc")
    assert before
    assert after
    assert before.value != after.value
    assert doors.get("/").status_code == 200
    assert doors.client.get("/sign-out").status_code in {303, 404, 405}
    assert doors.get("/").status_code == 200, "a link cannot sign anybody out"
    assert doors.post("/sign-out").status_code == 303
    assert doors.get("/").status_code == 303


def test_an_idle_session_ends_after_twelve_hours(doors: Site) -> None:
    doors.as_user()
    doors.clock.forward(hours=11, minutes=59)
    assert doors.get("/").status_code == 200
    doors.clock.forward(hours=11, minutes=59)
    assert doors.get("/").status_code == 200, "use keeps it alive"
    doors.clock.forward(hours=12, minutes=1)
    assert doors.get("/").status_code == 303


@pytest.mark.parametrize("change", [{"disabled_at": "now"}, {"password_hash": "another"}])
def test_a_session_ends_with_the_account_or_its_password(doors: Site, change: dict[str, str]) -> None:
    doors.as_user()
    values = {name: doors.clock() if value == "now" else value for name, value in change.items()}
    with doors.services.store.write(Commit.ADMIN) as connection:
        accounts.change_user(connection, "dana", **values)
    assert doors.get("/").status_code == 303
    if "disabled_at" in change:
        assert doors.sign_in("dana").status_code == 401


@pytest.mark.parametrize("cookie", ["", "nonsense", "eyJ1c2VyIjoiMSJ9.x.y"])
def test_a_made_up_cookie_opens_nothing(doors: Site, cookie: str) -> None:
    doors.client.set_cookie("leadsvc", cookie)
    assert doors.get("/").status_code == 303


def test_every_form_needs_its_token(doors: Site) -> None:
    doors.as_user(role="admin")
    for rule in doors.app.url_map.iter_rules():
        ours = rule.endpoint.startswith("web.") and rule.endpoint != "web.sign_in_check"
        if not ours or "POST" not in (rule.methods or ()):
            continue
        path = re.sub(r"<uuid:[a-z_]+>", "01a1fb87-0d9e-7d63-b158-295f595d9b54", rule.rule)
        path = re.sub(r"<[a-z_:]+>", "x", path)
        for data in ({}, {"csrf_token": "made.up.token"}):
            answer = doors.client.post(path, data=data)
            assert answer.status_code == 400, path
            assert "too old" in answer.text


def test_cookies_and_headers(doors: Site, sqlite_database: str, tmp_path: Path) -> None:
    answer = doors.get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    policy = answer.headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    with site(sqlite_database, tmp_path, public_url=HTTPS) as secure:
        answer = secure.client.get("/sign-in", base_url=HTTPS)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-leadsvc=")
        assert "Secure" in cookie
        assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
    ],
)
def test_sign_in_sends_nobody_elsewhere(doors: Site, target: str) -> None:
    doors.add_user("dana")
    assert doors.sign_in("dana", next=target).headers["Location"] == "/"
    with doors.app.test_request_context():
        assert local_path("/guest-cards/GC-1?x=1") == "/guest-cards/GC-1?x=1"


def test_sign_in_goes_on_to_where_one_wanted_to_go(doors: Site) -> None:
    doors.add_user("dana")
    answer = doors.get("/exceptions?kind=stuck")
    assert answer.headers["Location"] == "/sign-in?next=/exceptions?kind%3Dstuck"
    assert doors.sign_in("dana", next="/exceptions?kind=stuck").headers["Location"] == "/exceptions?kind=stuck"


def test_the_audit_log_is_for_admins(doors: Site) -> None:
    doors.as_user("dana", "agent")
    assert doors.get("/audit").status_code == 403
    doors.as_user("root.admin", "admin")
    answer = doors.get("/audit")
    assert answer.status_code == 200
    assert "sign_in" in answer.text


def test_a_login_with_nul_is_no_login(doors: Site) -> None:
    assert doors.sign_in("da\x00na").status_code == 400


@pytest.mark.slow
def test_processes_share_their_counts_through_redis(redis_url: str) -> None:
    one, other = Throttle(redis_url), Throttle(redis_url)
    allowed = [(one, other)[number % 2].allows("dana", "192.0.2.1") for number in range(9)]
    assert allowed == [True] * 8 + [False]
    other.forgive("dana")
    assert one.allows("dana", "192.0.2.1")


def test_without_redis_each_process_still_counts() -> None:
    alone = Throttle(f"redis://127.0.0.1:{free_port()}/0")
    assert [alone.allows("dana", "192.0.2.1") for _ in range(9)] == [True] * 8 + [False]
    alone.forgive("dana")
    assert alone.allows("dana", "192.0.2.1")
