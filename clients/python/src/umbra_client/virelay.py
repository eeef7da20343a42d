"""Projects for ViRelAy (https://github.com/virelay/virelay), which shows attributions beside embeddings of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._explanation import Explanation
    from ._http import Http
    from ._job import Job
    from ._report import Report

#: Dimensions of the embedding.
_COMPONENTS = 8


def to_virelay(job: Job, folder: str | Path, report: Report | None = None) -> Path:
    """Write what a job found as a ViRelAy project (extras `h5py` and `pillow`).

    The folder gets `project.yaml`, `label-map.json`, `input.h5` (`data` uint8 [N, 3, H, W], photos as the model sees
    them but for the rounding of another resizing, and `label`), `attribution.h5` (`attribution` float32 [N, 1, H, W],
    `label`, `prediction` float32 [N, classes], `index`) and `analysis.h5`: of each predicted class an embedding by the
    principal components of its maps, and a clustering. The clusters are those of the report's decisive patches where a
    report is given (0: none of its listed members), else one.

    Args:
        job: whose finished images are written, one at a time; they must have inputs of one extent.
        folder: is made if it is not there.
        report: of the job.

    Returns:
        the path of `project.yaml`.

    Raises:
        ValueError: if no image is finished, or extents differ.
    """
    import h5py

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    status = job.status
    names = _Names()
    predicted: list[int] = []
    ids: list[str] = []
    with h5py.File(target / "input.h5", "w") as inputs, h5py.File(target / "attribution.h5", "w") as found:
        labels: list[int] = []
        for image in job.images():
            attribution = _first_target(image.attribution)
            _append(inputs, "data", _input_of(job._http, status["dataset"], image))
            _append(found, "attribution", attribution[None].astype(np.float32))
            ids.append(image.id)
            predicted.append(names.place(image.predicted["label"]))
            labels.append(names.place(_label_of(image)))
        if not ids:
            raise ValueError("Expected finished images, got none")
        inputs["label"] = np.array(labels, np.uint16)
        found["label"] = np.array(predicted, np.uint16)
        found["index"] = np.arange(len(ids), dtype=np.uint32)
        found["prediction"] = _probabilities(job, ids, names)
        _write_analysis(target / "analysis.h5", found["attribution"], predicted, _clusters(report, ids))
    (target / "label-map.json").write_text(json.dumps(names.label_map(), indent=1) + "\n", encoding="utf-8")
    project = target / "project.yaml"
    project.write_text(_project(job.id, status["model"]["name"]), encoding="utf-8")
    return project


class _Names:
    """Places for classes by their names, in the order of their appearance."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def place(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))

    def label_map(self) -> list[dict[str, Any]]:
        # A WordNet id is what ViRelAy's categories may go by; here they go by the index.
        return [{"index": place, "word_net_id": f"{place:05}", "name": name} for name, place in self._places.items()]


def _first_target(attribution: NDArray[np.float32]) -> NDArray[np.float32]:
    return attribution if attribution.ndim == 2 else attribution[0]


def _label_of(image: Explanation) -> str:
    label = image.result["image"].get("label")
    return "no label" if label is None else str(label)


def _input_of(http: Http, dataset: str, image: Explanation) -> NDArray[np.uint8]:
    """The part of the photo that the model sees, at its resolution: [3, H, W], as Pillow resizes it."""
    from PIL import Image

    photo = http.request("GET", f"/v1/datasets/{dataset}/images/{image.id}/photo", params={"w": 4096}).content
    result = image.result
    height, width = result["input"]["height"], result["input"]["width"]
    axes = result.get("toPhoto") or {"y": {"scale": 1.0, "offset": 0.0}, "x": {"scale": 1.0, "offset": 0.0}}
    y, x = axes["y"], axes["x"]
    with Image.open(io.BytesIO(photo)) as picture:
        # A photo wider than asked for is sent smaller.
        share = picture.width / result["image"]["width"]
        edges = (x["offset"], y["offset"], x["offset"] + width * x["scale"], y["offset"] + height * y["scale"])
        left, top, right, bottom = (edge * share for edge in edges)
        box = (max(0.0, left), max(0.0, top), min(picture.width, right), min(picture.height, bottom))
        seen = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR, box)
    pixels: NDArray[np.uint8] = np.asarray(seen, np.uint8)
    planes: NDArray[np.uint8] = pixels.transpose(2, 0, 1)
    return planes


def _append(file: Any, key: str, array: NDArray[Any]) -> None:
    if key not in file:
        file.create_dataset(key, data=array[None], maxshape=(None, *array.shape), chunks=(1, *array.shape))
        return
    dataset = file[key]
    if dataset.shape[1:] != array.shape:
        raise ValueError(f"Expected inputs of one extent, got {dataset.shape[1:]} and {array.shape}")
    dataset.resize(len(dataset) + 1, axis=0)
    dataset[-1] = array


def _probabilities(job: Job, ids: list[str], names: _Names) -> NDArray[np.float32]:
    """Of each image's most probable classes, as far as they are known; 0 elsewhere."""
    places = {image: row for row, image in enumerate(ids)}
    tops = {row["id"]: row["top"] or [] for row in job.rows(where=["state=completed"]) if row["id"] in places}
    for top in tops.values():
        for one in top:
            names.place(one["label"])
    found = np.zeros((len(ids), len(names)), np.float32)
    for image, top in tops.items():
        for one in top:
            found[places[image], names.place(one["label"])] = one["probability"]
    return found


def _clusters(report: Report | None, ids: Iterable[str]) -> NDArray[np.uint32]:
    members = {} if report is None else report.clusters
    of = {member["id"]: cluster["id"] + 1 for cluster in members for member in cluster["members"]}
    return np.array([of.get(image, 0) for image in ids], np.uint32)


def _write_analysis(path: Path, attributions: Any, predicted: list[int], clusters: NDArray[np.uint32]) -> None:
    import h5py

    classes = np.array(predicted)
    with h5py.File(path, "w") as file:
        for one in np.unique(classes):
            which = np.flatnonzero(classes == one)
            group = file.create_group(f"{one:05}")
            group["name"] = f"{one:05}"
            group["index"] = which.astype(np.uint32)
            group["embedding/pca"] = _embed(attributions[which][:, 0])
            group["cluster/decisive-patch"] = clusters[which]


def _embed(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal components [N, 8] of maps [N, H, W], each thinned to about 32 x 32; 0 where there are fewer."""
    step = max(1, maps.shape[1] // 32), max(1, maps.shape[2] // 32)
    flat = maps[:, :: step[0], :: step[1]].reshape(len(maps), -1).astype(np.float64)
    left, sizes, _ = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    found = np.zeros((len(maps), _COMPONENTS), np.float32)
    count = min(_COMPONENTS, len(sizes))
    found[:, :count] = left[:, :count] * sizes[:count]
    return found


def _project(job: str, model: str) -> str:
    # JSON strings are YAML.
    return f"""project:
  name: {json.dumps(f"Umbra {job}")}
  model: {json.dumps(model)}
  label_map: label-map.json
  dataset:
    name: {json.dumps(job)}
    type: hdf5
    path: input.h5
  attributions:
    attribution_method: Occlusion
    attribution_strategy: predicted_label
    sources:
      - attribution.h5
  analyses:
    - analysis_method: Principal components of the maps
      sources:
        - analysis.h5
"""
