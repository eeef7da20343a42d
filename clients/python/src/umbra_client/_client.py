"""The client of a service."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, cast

from ._explanation import Explanation
from ._http import Http
from ._job import Job
from ._photos import PhotoContent, encode, list_photos
from ._progress import open_progress
from ._upload import deleted_if_refused, upload

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._http import FormFile
    from .models import JobRequest, ModelDetail, SettingsInput

_LOCAL_SERVICE = "http://127.0.0.1:8080"


class Client:
    """A service of Umbra. It keeps connections: close it, or use it in a `with`.

    Args:
        url: of the service; by default the environment's `UMBRA_API_URL`, or http://127.0.0.1:8080.
        key: by default the environment's `UMBRA_API_KEY`; a service on loopback may ask for none. No error shows it.
        timeout: seconds that a connection, or a pause within an answer, may take.
        retries: how often a request that may be repeated is, after a failure that may pass.
    """

    def __init__(self, url: str | None = None, key: str | None = None, timeout: float = 60.0, retries: int = 5) -> None:
        address = url or os.environ.get("UMBRA_API_URL") or _LOCAL_SERVICE
        if not address.startswith(("http://", "https://")):
            # What was given instead may be a key, and so is not shown.
            raise ValueError(f"Expected an address that begins with http:// or https://, as {_LOCAL_SERVICE}")
        secret = (key or os.environ.get("UMBRA_API_KEY") or "").strip()
        if not (secret.isascii() and secret.isprintable()):
            raise ValueError("Expected a key of printable ASCII characters")
        self.http = Http(address, secret or None, timeout, retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.http.close()

    def explain(
        self,
        photo: PhotoContent,
        model: str,
        settings: SettingsInput | Mapping[str, Any] | None = None,
        deadline: int = 30,
    ) -> Explanation:
        """Explain one photo at once, ahead of all queued jobs.

        Args:
            photo: a path, bytes, an array of uint8 [H, W, 3] (RGB) or [H, W] (grey), or an image of Pillow.
            model: its name.
            settings: of the run, as `{"patch": 32, "stride": 16}`: see docs/settings.md.
            deadline: whole seconds from 1 to 120 in which it must be done.

        Returns:
            the explanation; the service keeps its files for an hour, and its arrays are here already (of several patch
            sizes only the attribution).

        Raises:
            TypeError, ValueError: if it is no photo that can be sent, as floats are not.
            UmbraError: `deadline_exceeded` if it takes longer; what the service says of the photo, model or settings.
        """
        answer = self.http.json(
            "POST",
            "/v1/explain",
            params={"model": model, "settings": json.dumps(settings or {}), "deadlineSeconds": deadline},
            content=encode(photo),
            headers={"Content-Type": "application/octet-stream"},
            timeout=deadline + 30,
        )
        image = answer["result"]["image"]
        found = Explanation(self.http, answer["job"], image["id"], image["name"])
        found.result = answer["result"]
        # Read now, since they are deleted in an hour.
        _ = found.attribution
        if len(answer["result"]["grids"]) == 1:
            _ = found.scores, found.predicted_classes
        return found

    def submit(
        self,
        images: str | os.PathLike[str] | Iterable[Any],
        model: str,
        settings: SettingsInput | Mapping[str, Any] | None = None,
        labels: Literal["folder"] | None = "folder",
        progress: bool = False,
        **options: Any,
    ) -> Job:
        """Send images, and have them all explained as a job.

        Args:
            images: a folder, or an iterable of paths, of other photos (as `explain` takes), of pairs (name, bytes) or
                (image, label), or of `Photo`, which may have a box. Only a batch of them is held at a time.
            model: its name.
            settings: of the run: see docs/settings.md.
            labels: `folder` labels a photo by the folder that it lies in, unless it has a label; None does not.
            progress: shows a bar of what was sent (extra `tqdm`).
            options: of the job, as `outputs=["attribution"]`, `priority=60`, `metadata={...}`: see docs/jobs.md.

        Returns:
            the job, which is queued; its `refusals` are the files that are no images.

        Raises:
            UmbraError: if the service refuses images or job; what was sent is then deleted. If it does not answer, or
                no worker reads the images, the data set stays, and the message says how to go on.
            ValueError: if there are no images, or one is none that can be sent.
        """
        with open_progress(progress, "images sent") as show:
            dataset, refusals = upload(self.http, list_photos(images), labels, lambda sent: show(sent, sent))
        request = {"dataset": dataset["id"], "model": model, "settings": settings or {}, **options}
        with deleted_if_refused(self.http, dataset["id"]):
            return self._create(cast("JobRequest", request), refusals)

    def submit_dataset(
        self,
        dataset: str,
        model: str,
        settings: SettingsInput | Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """As `submit`, for a data set that the service has; it stays whatever becomes of the job.

        Args:
            dataset: its id, as `ds_...`; it must be closed.
            model: its name.
            settings: of the run: see docs/settings.md.
            options: of the job: see docs/jobs.md.

        Raises:
            UmbraError: `not_found` for a data set or model that is none; what else the service refuses.
        """
        request = {"dataset": dataset, "model": model, "settings": settings or {}, **options}
        return self._create(cast("JobRequest", request), [])

    def job(self, job: str) -> Job:
        """A job of earlier, by its id, which is not looked up before something is asked of it."""
        return Job(self.http, job)

    def models(self) -> list[dict[str, Any]]:
        """The models that the key may use: `name`, `digest`, `scope` (`service` or `tenant`) and more of each."""
        return list(self.http.json("GET", "/v1/models")["data"])

    def model(self, name: str) -> ModelDetail:
        """A model: its input, output and number of classes.

        Raises:
            UmbraError: `not_found` if there is none of that name.
        """
        return cast("ModelDetail", self.http.json("GET", f"/v1/models/{name}"))

    def add_model(
        self,
        model: bytes | str | os.PathLike[str],
        description: Mapping[str, Any],
        labels: Sequence[str] | None = None,
        timeout: float = 600.0,
    ) -> ModelDetail:
        """Add an ONNX model of one's own (scope `admin`), which belongs to the key's tenant.

        The service checks it before it answers, which may take two minutes. The same content again is answered at once.

        Args:
            model: the file, or its bytes, with all weights inside.
            description: its `name`, and of `bundle.json` (docs/models.md) what the file itself does not say: `size`,
                `scale`, `mean`, `std`, `channels`, `resize`, `output`, ...
            labels: the class names.
            timeout: seconds that the check may take.

        Raises:
            UmbraError: `unprocessable` with the step of the check that failed; what is wrong with the description.
        """
        fields: dict[str, str] = {"description": json.dumps(description)}
        if labels is not None:
            fields["labels"] = json.dumps(list(labels))

        def open_form(stack: ExitStack) -> list[FormFile]:
            content = model if isinstance(model, bytes) else stack.enter_context(open(model, "rb"))
            return [("model", ("model.onnx", content, "application/octet-stream"))]

        answer = self.http.json("POST", "/v1/models", data=fields, open_form=open_form, again=True, timeout=timeout)
        return cast("ModelDetail", answer)

    def delete_model(self, name: str) -> None:
        """Delete a model that was added by `add_model` (scope `admin`)."""
        self.http.request("DELETE", f"/v1/models/{name}")

    def _create(self, request: JobRequest, refusals: Any) -> Job:
        # A repeated request with the same key is answered with the same job.
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        made = self.http.json("POST", "/v1/jobs", json=request, headers=headers, again=True)
        return Job(self.http, made["id"], refusals, made.get("warnings", []))
