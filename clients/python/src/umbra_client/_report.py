"""What a job's report says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import decode_cells
from ._download import download

if TYPE_CHECKING:
    from ._http import Http


@dataclass(frozen=True)
class AtlasMap:
    """A class's mean attribution on the report's lattice, and its spread over the images.

    Attributes:
        images: how many have such a map.
        mean: float32 [rows, columns], in the unit of the job's score; NaN where nothing is known.
        deviation: the standard deviation over the images, likewise.
    """

    images: int
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True)
class ClassReport:
    """One class of the report. Estimates are `{"mean", "low", "high"}`, with an interval of 95 %.

    Attributes:
        label: its name.
        index: among the model's classes; None where its images have no class of the model.
        images: how many it has.
        accuracy: the share that is right, 0 to 1; None without labels.
        drop: baseline score minus the lowest one, in the job's unit.
        atlas: in the frame of the model's input.
        object_atlas: in the frame of the labelled object's box; None without boxes.
        data: all that the report says of it.
    """

    label: str
    index: int | None
    images: int
    accuracy: dict[str, float] | None
    drop: dict[str, float]
    atlas: AtlasMap
    object_atlas: AtlasMap | None
    data: dict[str, Any]

    @property
    def is_suspicious(self) -> bool:
        """Whether evidence off the object, or in the border, is significant."""
        return any(bool((self.data[place] or {}).get("isSignificant")) for place in ("offObject", "border"))


class Report:
    """A report, as it was when it was read. docs/report.md of Umbra defines every number.

    Attributes:
        job: the job's id.
        data: `report.json`.
    """

    def __init__(self, http: Http, job: str, data: dict[str, Any]) -> None:
        self._http = http
        self.job = job
        self.data = data

    def __repr__(self) -> str:
        read = self.data["images"]["read"]
        return f"Report({self.job}, images={read}, classes={len(self.data['classes'])}, clusters={len(self.clusters)})"

    @property
    def metrics(self) -> dict[str, float | None]:
        """One number each, by which the report is summed up; None where it is not known."""
        return dict(self.data["metrics"])

    @cached_property
    def classes(self) -> list[ClassReport]:
        """The classes, the most images first."""
        return [self._class(one) for one in self.data["classes"]]

    @property
    def clusters(self) -> list[dict[str, Any]]:
        """Decisive patches in which the model sees the same, the weightiest first."""
        return list(self.data["patches"]["clusters"])

    @property
    def suspects(self) -> list[dict[str, Any]]:
        """Images whose evidence is unlike their class's, the most unlike first."""
        return list(self.data["suspects"])

    @property
    def flips(self) -> list[dict[str, Any]]:
        """What wins where evidence is covered: edges from class to class, the most images first."""
        return list(self.data["flips"])

    @property
    def notes(self) -> list[str]:
        """What to know of these numbers, such as what was left out and why."""
        return list(self.data["notes"])

    def crop(self, image: str) -> bytes:
        """The decisive patch of an image that a cluster shows, as WebP.

        Args:
            image: its id, as `report.clusters[0]["members"][0]["id"]`.

        Raises:
            UmbraError: `not_found` for any other image.
        """
        return self._http.request("GET", f"/v1/jobs/{self.job}/report/crops/{image}").content

    def html(self, path: str | Path) -> Path:
        """Write the report into one HTML file that opens offline."""
        return download(self._http, f"/v1/jobs/{self.job}/report.html", Path(path))

    def parquet(self, path: str | Path) -> Path:
        """Write the table of the report's images into a Parquet file."""
        return download(self._http, f"/v1/jobs/{self.job}/report.parquet", Path(path))

    def against(self, other: Report) -> dict[str, Any]:
        """What differs from another job's report: this one's numbers (`b`) minus the other's (`a`).

        Both are read as they were last written: see docs/report.md.
        """
        difference: dict[str, Any] = self._http.json("GET", f"/v1/jobs/{self.job}/report/against/{other.job}")
        return difference

    def _class(self, one: dict[str, Any]) -> ClassReport:
        shape = (self.data["lattice"]["rows"], self.data["lattice"]["columns"])

        def read(atlas: dict[str, Any]) -> AtlasMap:
            maps = (decode_cells(atlas[name], *shape) for name in ("mean", "deviation"))
            return AtlasMap(atlas["images"], *maps)

        within = one["atlas"]["object"]
        return ClassReport(
            label=one["class"]["label"],
            index=one["class"]["index"],
            images=one["images"],
            accuracy=one["accuracy"],
            drop=one["drop"],
            atlas=read(one["atlas"]["input"]),
            object_atlas=None if within is None else read(within),
            data=one,
        )
