"""What the service refuses, or fails at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class UmbraError(Exception):
    """The service answered with a problem, or not at all. Branch on `code`; `message` is for people.

    Attributes:
        code: the problem's code, as `not_found`; `unavailable` where there was no answer.
        status: the HTTP status; None where there was no answer.
        message: what was expected, and where.
        problem: the problem document (RFC 9457) in full; empty where there was none.
        retry_after: seconds that the service asks to wait before another try; None if it does not.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        problem: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.problem = problem or {}
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        # For pickle, which else leaves the code out when it makes the error anew in another process.
        return partial(type(self), code=self.code), self.args, self.__dict__

    def __str__(self) -> str:
        errors = self.problem.get("errors")
        known = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
        places = [f"{error.get('path')}: {error.get('message')}" for error in known]
        where = f" ({'; '.join(places)})" if places else ""
        return f"{self.message}{where} [{self.code}]"


def problem_of(response: httpx.Response) -> UmbraError:
    """What an answer that is no success says. Something between here and the service may not write problems."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    after = response.headers.get("retry-after", "")
    return UmbraError(
        str(problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}"),
        code=str(problem.get("code", "internal")),
        status=response.status_code,
        problem=problem,
        retry_after=float(after) if after.isdigit() else None,
    )
