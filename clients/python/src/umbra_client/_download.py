"""Files that go on where a download broke off."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from ._errors import UmbraError
from ._http import pause

if TYPE_CHECKING:
    from ._http import Http

#: Breaks in a row without a byte more than there ever was.
_PATIENCE = 5
_BLOCK = 1 << 18


def download(
    http: Http, source: str, path: Path, sha256: str | None = None, on_bytes: Callable[[int], None] | None = None
) -> Path:
    """Download into a file, which is there once all of it is and its digest is right; until then it is `.part`.

    It goes on where it broke off, also in a later process, if the service still has the same version (`If-Range`): the
    version's entity tag is kept beside the part.

    Args:
        http: the service.
        source: a path of it.
        path: the file to be made.
        sha256: what the file must have; by default what `Repr-Digest` says, if the answer has it.
        on_bytes: told how many bytes are there.

    Raises:
        UmbraError: if the service refuses, or it breaks off five times without a byte more; `integrity` for another
            digest.
    """
    part, tag = path.with_name(path.name + ".part"), path.with_name(path.name + ".etag")
    path.parent.mkdir(parents=True, exist_ok=True)
    breaks, most = 0, 0
    while True:
        held = _size(part) if tag.exists() else 0
        # Bytes as they are: the range and the digest are of these.
        headers = {"Accept-Encoding": "identity"}
        if held > 0:
            headers |= {"Range": f"bytes={held}-", "If-Range": tag.read_text()}
        try:
            with http.stream(source, headers) as response:
                expected = sha256 or _digest_of(response)
                _keep(response, part, tag, on_bytes)
            break
        except UmbraError as error:
            if error.status != 416 or held == 0:
                raise
            # All of it is here, or more of something else.
            if sha256 is not None and _sha256(part) == sha256:
                expected = sha256
                break
            _forget(part, tag)
        except httpx.TransportError as error:
            # A service that has no tag begins anew each time: only more than ever is progress.
            size = _size(part)
            breaks = 0 if size > most else breaks + 1
            most = max(most, size)
            if breaks >= _PATIENCE:
                raise UmbraError(f"Expected all of {source}, got {size} bytes", code="unavailable") from error
            pause(max(breaks, 1))
    if expected is not None and (found := _sha256(part)) != expected:
        _forget(part, tag)
        raise UmbraError(f"Expected {source} to have SHA-256 {expected}, got {found}", code="integrity")
    os.replace(part, path)
    tag.unlink(missing_ok=True)
    return path


def _keep(response: httpx.Response, part: Path, tag: Path, on_bytes: Callable[[int], None] | None) -> None:
    goes_on = response.status_code == 206
    if not goes_on:
        etag = response.headers.get("etag")
        part.unlink(missing_ok=True)
        tag.write_text(etag) if etag else tag.unlink(missing_ok=True)
    with open(part, "ab") as file:
        for block in response.iter_raw():
            file.write(block)
            if on_bytes is not None:
                on_bytes(file.tell())


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _forget(part: Path, tag: Path) -> None:
    part.unlink(missing_ok=True)
    tag.unlink(missing_ok=True)


def _digest_of(response: httpx.Response) -> str | None:
    """The SHA-256 of `Repr-Digest` (RFC 9530), in hex."""
    for item in response.headers.get("repr-digest", "").split(","):
        name, _, value = item.strip().partition("=")
        if name == "sha-256":
            return base64.b64decode(value.strip(":")).hex()
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
