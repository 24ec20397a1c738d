"""A :class:`Careful` destination that speaks JSON: one call judged and parsed, access tokens renewed in mid-run."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

from leadsvc.workers.destinations import rest
from leadsvc.workers.destinations.base import Around, Outcome, Profile, Result
from leadsvc.workers.destinations.careful import Careful
from leadsvc.workers.destinations.http import Answer, quiet

Fetch = Callable[[], tuple[Result, str]]


class Bearer:
    """An access token that all threads of an account share. ``fetch`` asks for a new one; a token that was given
    beforehand (``fixed``) cannot be renewed."""

    def __init__(self, fetch: Fetch, fixed: str = "") -> None:
        self._fetch = fetch
        self._fixed = fixed
        self._lock = threading.Lock()
        self._token = fixed

    @property
    def renewable(self) -> bool:
        return not self._fixed

    def token(self, refused: str = "") -> tuple[Result, str]:
        """The token, asked for where there is none or where the one there is was ``refused``; without a token, the
        result says why."""
        with self._lock:
            result = Result(outcome=Outcome.ACCEPTED)
            if not self._token or self._token == refused:
                self._token = ""
                result, self._token = self._fetch()
            return result, self._token


class JsonApi(Careful):
    """One account at a vendor of JSON over HTTP. ``READS``: the operations that change nothing."""

    READS: ClassVar[frozenset[str]]

    def __init__(self, profile: Profile, around: Around = quiet) -> None:
        super().__init__(profile, around)
        self._bearer = Bearer(self._new_token, self._given_token())

    @staticmethod
    @abstractmethod
    def _judge(op: str, status: int, headers: Mapping[str, str], body: bytes | None, context: rest.Json) -> Result:
        """The vendor's ``classify``."""

    def _headers(self, token: str) -> Mapping[str, str]:
        """What goes out with each call."""
        return {"Authorization": f"Bearer {token}"}

    def _given_token(self) -> str:
        """The token of an account that never changes; empty where tokens are asked for."""
        return ""

    def _new_token(self) -> tuple[Result, str]:
        """Ask for a token; without one, the result says why."""
        return Result(outcome=Outcome.AUTH, code="no_token", message="The account has no access token."), ""

    def _granted(self, path: str, grant_type: str, *names: str) -> tuple[Result, str]:
        """A token by OAuth, for the credentials with these ``names``."""
        form = {"grant_type": grant_type} | {name: self._profile.credentials.get(name, "") for name in names}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._door.call("token", "POST", path, content=urlencode(form).encode(), headers=headers)
        result = self._judge("token", answer.status, answer.headers, answer.body, self._context("token", answer))
        token = rest.text(rest.mapping(rest.parse(answer.body)).get("access_token")) if result.ok else ""
        return self._said(result, answer), token

    def _ask(
        self,
        op: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | Sequence[object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Result, object]:
        """One call, judged, and the JSON of its answer. A token that ran out is renewed once."""
        held, token = self._bearer.token()
        if not token:
            return held, None
        result, answer = self._once(op, method, path, token, params=params, json=json, headers=headers)
        if answer.status == 401 and self._bearer.renewable:
            held, token = self._bearer.token(refused=token)
            if not token:
                return held, None
            result, answer = self._once(op, method, path, token, params=params, json=json, headers=headers)
        return result, rest.parse(answer.body)

    def _once(
        self,
        op: str,
        method: str,
        path: str,
        token: str,
        *,
        params: Mapping[str, str] | None,
        json: Mapping[str, object] | Sequence[object] | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[Result, Answer]:
        sent = {"Accept": "application/json", **self._headers(token), **(headers or {})}
        answer = self._door.call(op, method, path, params=params, json=json, headers=sent)
        result = self._judge(op, answer.status, answer.headers, answer.body, self._context(op, answer))
        said = self._said(result, answer)
        return replace(said, message=said.message.replace(token, "[secret]")), answer

    def _context(self, op: str, answer: Answer) -> rest.Json:
        """What the judge is told."""
        return answer.context(read=op in self.READS)
