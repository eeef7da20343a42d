"""Data sets of anything that `list_photos` lists, sent in batches that may be sent again."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ._errors import UmbraError
from ._photos import Photo, encode

if TYPE_CHECKING:
    from ._http import FormFile, Http
    from .models import Dataset, Refusal

#: Images of one request, all of which are sent again where it breaks off.
_BATCH_FILES = 200
_BATCH_BYTES = 64 * 1024 * 1024
_POLL_SECONDS = 0.2
#: Without a sign of progress, where a worker reads a data set: the service itself ends what a worker cannot read.
_PATIENCE_SECONDS = 600.0
#: Of a manifest, before it is written to a file.
_LINES_BYTES = 1 << 22


def upload(
    http: Http, photos: Iterable[Photo], labels: str | None, on_sent: Callable[[int], None]
) -> tuple[Dataset, list[Refusal]]:
    """A ready data set, and the files that the service refused.

    A label is sent as the name of a folder. Boxes, indices, and labels that no folder can have are sent as a manifest:
    it makes a second data set of the images of the first, which is then deleted.

    Args:
        http: the service.
        photos: listed once; no more than a batch of them is held.
        labels: `folder` labels a photo without a label by the folder in its name; None does not.
        on_sent: told how many were sent.

    Raises:
        ValueError: if there are no photos.
        UmbraError: if the service refuses, or nothing was an image: nothing stays there then. If all was sent, and the
            service does not answer or read it, the data set stays, and the message says how to go on.
    """
    dataset = http.json("POST", "/v1/datasets", json={}, again=True)["id"]
    refusals: list[Refusal] = []
    sent = 0
    is_described = False
    with tempfile.SpooledTemporaryFile(_LINES_BYTES) as lines:
        with _deleted_on_failure(http, dataset):
            for batch in _batches(photos):
                files = [_file_of(photo, sent + index, labels) for index, photo in enumerate(batch)]
                for file in files:
                    lines.write(json.dumps({**file.line(labels), "dataset": dataset}).encode() + b"\n")
                refusals += _send(http, dataset, files, labels)["refusals"]
                is_described = is_described or any(_is_described(photo) for photo in batch)
                sent += len(batch)
                on_sent(sent)
            if sent == 0:
                raise ValueError("Expected at least one image, got none")
            closed = http.json("POST", f"/v1/datasets/{dataset}/close", again=True)
        lacking = ", without labels and boxes that are no folder's" if is_described else ""
        with deleted_if_refused(http, dataset, lacking):
            ready = _wait(http, closed)
            if not is_described:
                return ready, refusals
            lines.seek(0)
            headers = {"Content-Type": "application/jsonl"}
            made = http.json("POST", "/v1/datasets", content=iter(lines), headers=headers)
    # The service reads the images of the first for the second.
    with deleted_if_refused(http, made["id"]):
        try:
            described = _wait(http, made)
        except BaseException as error:
            if not _may_work_later(error):
                _delete(http, dataset)
            raise
        http.request("DELETE", f"/v1/datasets/{dataset}")
    return described, refusals


class _Refused(UmbraError):
    """A data set that the service has read, and found nothing in that it can take."""


@contextmanager
def _deleted_on_failure(http: Http, dataset: str) -> Iterator[None]:
    """Delete a data set that only the caller knows of where what is done with it fails, and raise that."""
    try:
        yield
    except BaseException:
        _delete(http, dataset)
        raise


@contextmanager
def deleted_if_refused(http: Http, dataset: str, lacking: str = "") -> Iterator[None]:
    """Delete a whole data set where what is done with it is refused; where it may work later, say that it is kept.

    Args:
        http: the service.
        dataset: its id.
        lacking: what a job of it will not have, for the words.
    """
    try:
        yield
    except BaseException as error:
        if not _may_work_later(error):
            _delete(http, dataset)
            raise
        told = error.message if isinstance(error, UmbraError) else "Interrupted"
        message = f"{told}; data set {dataset} is kept: once it is ready, submit_dataset('{dataset}', ...) explains it"
        error.args = (message + lacking,)
        if isinstance(error, UmbraError):
            error.message = message + lacking
        raise


def _may_work_later(error: BaseException) -> bool:
    """Whether it is an interrupt, or no answer of the service, or one that asks to come back."""
    if not isinstance(error, UmbraError):
        return isinstance(error, KeyboardInterrupt)
    if isinstance(error, _Refused):
        return False
    return error.status is None or error.status == 429 or error.status >= 500


def _delete(http: Http, dataset: str) -> None:
    # Once, since its failure is not told. The service keeps what a job reads, which it may have made all the same.
    with suppress(UmbraError):
        http.request("DELETE", f"/v1/datasets/{dataset}", again=False)


@dataclass(frozen=True)
class _File:
    """A photo as it is sent: its name, and its bytes unless they are in a file."""

    photo: Photo
    name: str
    content: bytes | None

    def open(self, stack: ExitStack) -> bytes | IO[bytes]:
        return self.content if self.content is not None else stack.enter_context(open(self.photo.content, "rb"))

    def line(self, labels: str | None) -> dict[str, Any]:
        """Of a manifest."""
        label = self.photo.label
        if label is None and labels == "folder":
            label = self.name.rpartition("/")[0].rpartition("/")[2] or None
        box = None if self.photo.box is None else dict(self.photo.box)
        known = {"sha256": self._digest(), "name": self.name, "label": label, "box": box}
        return {key: value for key, value in known.items() if value is not None}

    def _digest(self) -> str:
        if self.content is not None:
            return hashlib.sha256(self.content).hexdigest()
        digest = hashlib.sha256()
        with open(self.photo.content, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


def _file_of(photo: Photo, index: int, labels: str | None) -> _File:
    name = photo.named(index)
    if _is_folder_name(photo.label):
        name = f"{photo.label}/{name}"
    elif labels is None:
        # Where others have a label, a folder would be taken for one.
        name = name.replace("/", "_")
    return _File(photo, name, None if photo.is_file else encode(photo.content))


def _is_folder_name(label: str | int | None) -> bool:
    return isinstance(label, str) and "/" not in label and "\\" not in label and label not in (".", "..")


def _is_described(photo: Photo) -> bool:
    """Whether its name cannot say what is known of it."""
    return photo.box is not None or (photo.label is not None and not _is_folder_name(photo.label))


def _send(http: Http, dataset: str, files: list[_File], labels: str | None) -> Any:
    def open_form(stack: ExitStack) -> list[FormFile]:
        return [("images", (file.name, file.open(stack), "application/octet-stream")) for file in files]

    with_folder = labels == "folder" or any(_is_folder_name(file.photo.label) for file in files)
    query = {"labels": "folder"} if with_folder else {}
    return http.json("POST", f"/v1/datasets/{dataset}/images", params=query, open_form=open_form, again=True)


def _wait(http: Http, dataset: Dataset) -> Dataset:
    """Ask until it is ready, or no worker has read more of it for long.

    Raises:
        UmbraError: `_Refused` if it failed; `unavailable` if no worker reads it.
    """
    seen, since = None, time.monotonic()
    while dataset["state"] not in ("ready", "failed"):
        progress = (dataset["images"], dataset["bytes"], dataset["refused"])
        if progress != seen:
            seen, since = progress, time.monotonic()
        if time.monotonic() - since > _PATIENCE_SECONDS:
            raise UmbraError(
                f"Expected data set {dataset['id']} to be read, got no more of it in {_PATIENCE_SECONDS:.0f} s: "
                "does a worker of the service have the step 'ingest'?",
                code="unavailable",
            )
        time.sleep(_POLL_SECONDS)
        dataset = http.json("GET", f"/v1/datasets/{dataset['id']}")
    if dataset["state"] == "ready":
        return dataset
    error = dataset["error"] or {"message": "The data set failed", "code": "internal"}
    raise _Refused(error["message"], code=error["code"])


def _batches(photos: Iterable[Photo]) -> Iterator[list[Photo]]:
    batch: list[Photo] = []
    size = 0
    for photo in photos:
        more = photo.size()
        if batch and (len(batch) == _BATCH_FILES or size + more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(photo)
        size += more
    if batch:
        yield batch
