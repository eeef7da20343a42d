"""Heatmaps for FiftyOne (https://github.com/voxel51/fiftyone)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._explanation import Explanation
    from ._job import Job


def to_fiftyone(job: Job, dataset: Any, field: str = "umbra") -> int:
    """Give each sample whose file a job explained a `Heatmap` of it, and the prediction as a `Classification`.

    Samples are found by the end of their file's path, which is the image's name in the job. Maps are in the photo's
    frame, at the resolution of the model's input: what a crop cut away is 0.

    Args:
        job: whose finished images are added.
        dataset: a `fiftyone.Dataset` or view of it; samples of no data set cannot be saved.
        field: of the heatmap; the prediction's is `FIELD_prediction`.

    Returns:
        how many samples got one.
    """
    import fiftyone

    samples = {_path(sample.filepath): sample for sample in dataset}
    ends = _by_ending(samples)
    count = 0
    for image in job.images():
        # Taken out, so that no more than one map is held.
        sample = samples.pop(ends.get(image.name, ""), None)
        if sample is None:
            continue
        heat = photo_map(image)
        most = float(np.abs(heat).max()) or 1.0
        sample[field] = fiftyone.Heatmap(map=heat, range=[-most, most])
        predicted = image.predicted
        sample[f"{field}_prediction"] = fiftyone.Classification(
            label=predicted["label"], confidence=predicted["probability"]
        )
        sample.save()
        count += 1
    return count


def photo_map(image: Explanation) -> NDArray[np.float32]:
    """The attribution in the frame of the upright photo: float32 [H, W], at the resolution of the model's input.

    Of several targets it is the first.
    """
    result = image.result
    attribution = image.attribution if image.attribution.ndim == 2 else image.attribution[0]
    to_photo = result.get("toPhoto")
    if to_photo is None:
        return attribution
    sides = {"y": result["image"]["height"], "x": result["image"]["width"]}
    extent = [max(1, round(sides[axis] / to_photo[axis]["scale"])) for axis in ("y", "x")]
    start = [round(to_photo[axis]["offset"] / to_photo[axis]["scale"]) for axis in ("y", "x")]
    found = np.zeros(extent, np.float32)
    part = found[start[0] : start[0] + attribution.shape[0], start[1] : start[1] + attribution.shape[1]]
    part[:] = attribution[: part.shape[0], : part.shape[1]]
    return found


def _path(text: str) -> str:
    return text.replace("\\", "/")


def _by_ending(paths: Any) -> dict[str, str]:
    """Each path by every end of it that no other path has."""
    ends: dict[str, str] = {}
    shared: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            shared |= {end} if end in ends else set()
            ends[end] = path
    return {end: path for end, path in ends.items() if end not in shared}
