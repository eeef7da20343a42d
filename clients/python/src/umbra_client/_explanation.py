"""What came of an image."""

from __future__ import annotations

import io
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ._arrays import decode_npy
from ._errors import UmbraError

if TYPE_CHECKING:
    from ._http import Http
    from .models import ErrorReport, ImageResult


class Explanation:
    """An image of a job, whose files are fetched when they are asked for, and then kept.

    Attributes:
        job: the job's id.
        id: the image's, as `img_00000000`.
        name: within its data set.
        state: `pending`, `running`, `completed` or `failed`.
        error: why it failed; None where it did not.
    """

    def __init__(
        self, http: Http, job: str, image: str, name: str, state: str = "completed", error: ErrorReport | None = None
    ) -> None:
        self._http = http
        self.job = job
        self.id = image
        self.name = name
        self.state = state
        self.error = error

    def __repr__(self) -> str:
        return f"Explanation({self.job}, {self.id}, name={self.name!r}, state={self.state!r})"

    def file(self, name: str) -> bytes:
        """A file of `result.json`'s lists, as `overlay.png`; what the job does not store is drawn by the service.

        Raises:
            UmbraError: `not_found` if there is none; the image's own error if it failed.
        """
        if self.error is not None:
            raise UmbraError(f"{self.name}: {self.error['message']}", code=self.error["code"])
        return self._http.request("GET", f"/v1/jobs/{self.job}/images/{self.id}/{name}").content

    @cached_property
    def result(self) -> ImageResult:
        """`result.json`: prediction, targets, lowest scores, flips, provenance."""
        return cast("ImageResult", json.loads(self.file("result.json")))

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """The target's score with the patch at each position: float32 [rows, columns].

        It is a probability or a logit, as the setting `score` says. Several targets have a first axis.
        Of several patch sizes each has a file: `file("scores-32x32.npy")`.
        """
        return cast("NDArray[np.float32]", decode_npy(self.file("scores.npy")))

    @cached_property
    def predicted_classes(self) -> NDArray[np.int32]:
        """The class predicted at each position: int32 [rows, columns]; -2 is no class, -1 was not computed."""
        return cast("NDArray[np.int32]", decode_npy(self.file("predicted-classes.npy")))

    @cached_property
    def attribution(self) -> NDArray[np.float32]:
        """For each px of the model's input the mean fall of the score under the patches over it: float32 [H, W].

        Positive is evidence for the target. Several targets have a first axis. It is 0 where no patch reaches.
        """
        return cast("NDArray[np.float32]", decode_npy(self.file("attribution.npy")))

    def to_captum(self, channels: int = 3) -> Any:
        """The attribution as Captum's `Occlusion` gives it (extra `torch`): a tensor [1, C, H, W].

        A patch covers all channels at once, and so each has the same map. Of several targets it is the first.
        """
        import torch

        attribution = self.attribution if self.attribution.ndim == 2 else self.attribution[0]
        return torch.from_numpy(attribution)[None, None].repeat(1, channels, 1, 1)

    @property
    def predicted(self) -> dict[str, Any]:
        """The class that the model predicts for the whole image: `{"index", "label", "probability"}`."""
        return cast("dict[str, Any]", self.result["predicted"])

    @property
    def top(self) -> list[dict[str, Any]]:
        """The most probable classes, at most five, with their probabilities."""
        return cast("list[dict[str, Any]]", self.result.get("top", []))

    def overlay_png(self) -> bytes:
        """The attribution over the photo, as a PNG."""
        return self.file("overlay.png")

    def overlay(self) -> Any:
        """The attribution over the photo, as an image of Pillow (extra `pillow`)."""
        from PIL import Image

        return Image.open(io.BytesIO(self.overlay_png()))
