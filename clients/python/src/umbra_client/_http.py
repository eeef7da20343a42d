"""Requests, and what is asked again when it fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import httpx

from ._errors import UmbraError, problem_of

#: Statuses after which the same request may succeed.
PASSING = frozenset({429, 502, 503, 504})
#: A file of a form: its field, and its name, content and type.
FormFile = tuple[str, tuple[str, "bytes | IO[bytes]", str]]
#: Opens the files of a form for one attempt; the stack closes them.
OpenForm = Callable[[ExitStack], "list[FormFile]"]

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


class Http:
    """One service: its address, the key, and how often what fails is asked again.

    A request that changes nothing when it is sent twice (`again`) is sent up to `retries` times more, after a
    connection error or a status of `PASSING`. Between two attempts are 0.25 s, 0.5 s and so on, or what
    `Retry-After` says, at most 30 s.
    """

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        self.url = url.rstrip("/")
        self.retries = retries
        # In words: without what a URL may have before its host.
        self._host = httpx.URL(self.url).netloc.decode("ascii")
        headers = {"User-Agent": "umbra-client"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        again: bool | None = None,
        open_form: OpenForm | None = None,
        **options: Any,
    ) -> httpx.Response:
        """The whole answer, which is a success.

        Args:
            method: of HTTP.
            path: of the service, with `/v1`.
            again: whether the request may be sent twice; by default GET, HEAD and DELETE may.
            open_form: opens the files that are sent as a form, anew for each attempt.
            options: of `httpx.Client.request`.

        Raises:
            UmbraError: for any other answer, or none.
        """
        may_repeat = method in ("GET", "HEAD", "DELETE") if again is None else again

        def send() -> httpx.Response:
            with ExitStack() as stack:
                files = None if open_form is None else open_form(stack)
                return self._client.request(method, path, files=files, **options)

        return self._repeat(send, method, path, may_repeat)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """As `request`; the answer's JSON."""
        response = self.request(method, path, **options)
        try:
            return response.json()
        except ValueError as error:
            found = response.headers.get("content-type", "something else")
            raise UmbraError(
                f"Expected JSON of {method} {path}, got {found}: is {self._host} a service of Umbra?",
                code="internal",
                status=response.status_code,
            ) from error

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Iterator[httpx.Response]:
        """The answer to a GET, whose body is read by the caller; asked again only before it begins."""
        with ExitStack() as stack:

            def send() -> httpx.Response:
                request = self._client.build_request("GET", path, headers=headers, **options)
                response = self._client.send(request, stream=True)
                if response.is_success:
                    stack.callback(response.close)
                else:
                    response.read()
                    response.close()
                return response

            yield self._repeat(send, "GET", path, True)

    def _repeat(self, send: Callable[[], httpx.Response], method: str, path: str, may_repeat: bool) -> httpx.Response:
        failure = UmbraError(f"{method} {path}: not sent", code="unavailable")
        for attempt in range(self.retries + 1 if may_repeat else 1):
            if attempt > 0:
                pause(attempt, failure.retry_after)
            try:
                response = send()
            except httpx.TransportError as error:
                failure = UmbraError(
                    f"{method} {path} of {self._host}: {str(error) or type(error).__name__}", code="unavailable"
                )
                failure.__cause__ = error
                continue
            if response.is_success:
                return response
            failure = problem_of(response)
            if response.status_code not in PASSING:
                break
        raise failure


def lines_of(response: httpx.Response) -> Iterator[str]:
    """The lines of an answer that is read as it comes; `unavailable` where it breaks off."""
    try:
        yield from response.iter_lines()
    except httpx.TransportError as error:
        raise UmbraError(f"Expected all of {response.url.path}, got a part", code="unavailable") from error


def pause(attempt: int, asked: float | None = None) -> None:
    """Wait before attempt 1, 2, ...: as long as was asked, or twice as long each time, with a little chance in it."""
    backoff = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)
    time.sleep(min(_LONGEST_PAUSE, backoff if asked is None else max(asked, backoff)))
