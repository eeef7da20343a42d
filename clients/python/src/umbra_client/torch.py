"""Occlusion maps of a network of PyTorch, as Captum's `Occlusion` gives them."""

from __future__ import annotations

import copy
import hashlib
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from ._errors import UmbraError
from ._photos import Photo
from ._pixels import Eight, Packed, Route, choose_route

if TYPE_CHECKING:
    from ._client import Client
    from ._job import Job

#: onnxruntime's outputs may differ so much from PyTorch's, as a share of their largest size.
_TOLERANCE = 1e-3
#: In which a cancelled job ends.
_END_SECONDS = 60.0


def explain(
    module: nn.Module,
    loader: Iterable[Any],
    *,
    client: Client,
    target: Literal["predicted", "label"] | int = "predicted",
    patch: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 16,
    fill: float = 0.0,
    output: Literal["logits", "probabilities", "independent-logits", "independent-probabilities"] = "logits",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    inputs: Literal["auto", "8-bit", "float"] = "auto",
    limit: float | None = None,
    classes: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    reuse: bool = True,
    progress: bool = False,
    timeout: float | None = None,
) -> TorchExplanation:
    """Export a network, have a service run it with a patch at each position of each image, and yield the maps.

    The maps equal those of `captum.attr.Occlusion(module).attribute(x, sliding_window_shapes=(C, *patch),
    strides=(C, *stride), baselines=fill, target=...)`, but for the rounding of float32 sums.

    What the loader yields becomes the model's input but for rounding, in one of two ways. Tensors made from 8-bit
    pixels, as `ToTensor` and `Normalize` make them, are sent as the photos that they were (`8-bit`): reports then show
    photos. Any other floats are sent as 24-bit fixed-point numbers, one a pixel of a PNG, and a convolution before the
    network makes them floats again (`float`): each is off by at most 2^-22 of the largest distance from `fill`, about
    as much as float32 itself rounds; the report's crops then show these numbers, and no photos.

    Args:
        module: takes [N, C, H, W] and gives [N, classes]; a copy in evaluation mode is exported, on the CPU. The same
            one is uploaded once: its name at the service is the digest of what it exports to.
        loader: yields batches [N, C, H, W] of float32 of the same C, H, W, or pairs of one and the labels [N], by which
            reports then group images.
        client: of the service; its key needs scope `admin`, which adding a model takes.
        target: the class that is explained: the predicted one, the loader's label, or an index.
        patch: the window, px; height and width.
        stride: the distance between windows, px.
        fill: what is written under the patch, as the network sees it: Captum's `baselines`.
        output: what the network gives. Maps are of these numbers, logits unless told otherwise.
        mean: of `Normalize`, one a channel; tried by default: none, ImageNet's, 0.5.
        std: likewise.
        inputs: `8-bit` refuses what no pixels of 8 bits give; `float` takes all; `auto` looks at the first batch.
        limit: the largest |x - fill| in the loader, for `float`; by default twice that of the first batch.
        classes: names of the classes, for reports.
        settings: further settings of the job, as `{"strategy": "dense"}`.
        reuse: whether results of the same work from earlier jobs may be taken.
        progress: shows bars (extra `tqdm`).
        timeout: seconds that iterating waits for the job, at most; None waits as long as the service answers.

    Returns:
        what yields a tensor [N, C, H, W] for each batch, in order, and has the `job` (for its `report()`).

    Raises:
        ValueError: if the loader yields nothing, or what cannot be sent exactly.
        UmbraError: if the service refuses the model or an image; job and images are then deleted.
    """
    batches = iter(loader)
    first = next(batches, None)
    if first is None:
        raise ValueError("Expected at least one batch, got none")
    images, _ = _split(first)
    route = choose_route(images, fill=fill, mean=mean, std=std, inputs=inputs, limit=limit)
    content = _export(module, route, images)
    name = _add_model(client, content, route, output, classes)
    sizes: list[int] = []
    job = client.submit(
        _photos(first, batches, route, sizes, classes, target == "label"),
        name,
        _settings(route, target, patch, stride, output, settings),
        labels=None,
        progress=progress,
        outputs=[],
        reuse=reuse,
    )
    if job.refusals:
        # Without them, maps would be those of other images.
        refused, error = len(job.refusals), job.refusals[0]["error"]
        _withdraw(client, job)
        raise UmbraError(
            f"Expected all images to be taken, got {refused} refused: {error['message']}", code=error["code"]
        )
    return TorchExplanation(client, job, name, sizes, route, progress, timeout)


class TorchExplanation:
    """Maps of the batches of a loader: iterating waits for the job, and yields a tensor [N, C, H, W] for each batch.

    It can be iterated again, also after a wait that ended in a `TimeoutError` or an interrupt: the job goes on.

    Attributes:
        job: of the service.
        model: its name there.
        inputs: how tensors were sent, `8-bit` or `float`.
        timeout: seconds that iterating waits, at most; None waits as long as the service answers.
    """

    def __init__(
        self,
        client: Client,
        job: Job,
        model: str,
        sizes: Sequence[int],
        route: Route,
        progress: bool = False,
        timeout: float | None = None,
    ) -> None:
        self._client = client
        self._sizes = list(sizes)
        self._route = route
        self._progress = progress
        # Kept for when the job is gone.
        self._dataset: str | None = None
        self.job = job
        self.model = model
        self.inputs = route.kind
        self.timeout = timeout

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[Tensor]:
        self.job.wait(progress=self._progress, timeout=self.timeout)
        images = self.job.images(state=None)
        for size in self._sizes:
            maps = [torch.from_numpy(self._route.unpack_map(next(images).attribution)) for _ in range(size)]
            # The patch covers all channels at once, and so each has the same map.
            yield torch.stack(maps)[:, None].repeat(1, self._route.channels, 1, 1)

    def delete(self) -> None:
        """Delete job, images and model from the service. It may be called again: what is gone already is passed over.

        The model is that of every explanation of the same network: it stays while a job that has not ended runs it.

        Raises:
            UmbraError: `conflict` if the job has not ended, or another one that has not ended reads the images.
        """
        with _passing_over("not_found"):
            self._dataset = self.job.status["dataset"]
            self.job.delete()
        if self._dataset is not None:
            with _passing_over("not_found"):
                self._client.http.request("DELETE", f"/v1/datasets/{self._dataset}")
        with _passing_over("not_found", "conflict"):
            self._client.delete_model(self.model)


@contextmanager
def _passing_over(*codes: str) -> Iterator[None]:
    try:
        yield
    except UmbraError as error:
        if error.code not in codes:
            raise


def _withdraw(client: Client, job: Job) -> None:
    """End a job, and delete it with its images; its failure is not told, since why it is withdrawn is."""
    with suppress(UmbraError, TimeoutError):
        dataset = job.status["dataset"]
        with _passing_over("conflict"):
            job.cancel()
        with suppress(UmbraError):
            # This is how a cancelled job's wait ends.
            job.wait(timeout=_END_SECONDS)
        job.delete()
        client.http.request("DELETE", f"/v1/datasets/{dataset}")


def _split(batch: Any) -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[int] | None]:
    """The images [N, C, H, W] of what a loader yields, and its labels if they are indices [N]."""
    # A TensorDataset without labels gives lists of one.
    images, labels = (*batch, None, None)[:2] if isinstance(batch, list | tuple) else (batch, None)
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        raise ValueError("Expected the loader to yield floats [N, C, H, W], alone or with labels")
    indices = np.asarray([] if labels is None else labels.cpu() if isinstance(labels, Tensor) else labels)
    is_index = indices.shape == (len(images),) and np.issubdtype(indices.dtype, np.integer)
    return images.detach().to("cpu", torch.float32).numpy(), [int(one) for one in indices] if is_index else None


def _photos(
    first: Any, rest: Iterator[Any], route: Route, sizes: list[int], classes: Sequence[str] | None, needs_labels: bool
) -> Iterator[Photo]:
    """Each image with its label; `sizes` gets the number of images of each batch."""
    count = 0
    for batch in _chain(first, rest):
        images, labels = _split(batch)
        if needs_labels and labels is None:
            raise ValueError("Expected the loader to yield pairs with labels [N], for target 'label'")
        sizes.append(len(images))
        for place, image in enumerate(images):
            label = None if labels is None else _label(labels[place], classes)
            yield Photo(route.pack(image), f"{count:08}.png", label)
            count += 1


def _label(index: int, classes: Sequence[str] | None) -> str | int:
    """A name where one names the class: it is sent faster than an index."""
    named = classes is not None and index in range(len(classes)) and classes.count(classes[index]) == 1
    return classes[index] if classes is not None and named else index


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _settings(
    route: Route, target: Any, patch: Any, stride: Any, output: str, more: Mapping[str, Any] | None
) -> dict[str, Any]:
    height, width = (patch, patch) if isinstance(patch, int) else patch
    y, x = (stride, stride) if isinstance(stride, int) else stride
    factor = route.factor
    return {
        "patch": {"height": height * factor, "width": width * factor},
        "stride": {"y": y * factor, "x": x * factor},
        "fill": {"kind": "constant", "value": route.fill, "space": "normalized"},
        "target": {"kind": target} if isinstance(target, str) else {"kind": "class", "index": int(target)},
        "score": "logit" if output.endswith("logits") else "probability",
        **(more or {}),
    }


def _export(module: nn.Module, route: Route, images: np.ndarray[Any, Any]) -> bytes:
    """The network behind what makes pixels its input, as ONNX."""
    net = copy.deepcopy(module).to("cpu", torch.float32).eval()
    whole = nn.Sequential(_decoder(route), net) if isinstance(route, Packed) else net
    # Two images, so that nothing in the file depends on there being one.
    example = torch.from_numpy(route.example(images))
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole,
            (example,),
            file,  # type: ignore[arg-type]
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
            opset_version=17,
            dynamo=False,
        )
        expected = net(torch.from_numpy(images[:1]))
    if not isinstance(expected, Tensor) or expected.ndim != 2:
        raise ValueError("Expected the network to give [N, classes]")
    _check(file.getvalue(), route, images[:1], expected.numpy())
    return file.getvalue()


def _decoder(route: Packed) -> nn.Conv2d:
    decoder = nn.Conv2d(3, route.channels, route.factor, route.factor)
    with torch.no_grad():
        decoder.weight.copy_(torch.from_numpy(route.weights()))
        decoder.bias.fill_(route.baseline)  # type: ignore[union-attr]
    return decoder


def _check(content: bytes, route: Route, images: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    """Hold the file against the network, where onnxruntime is installed. The service checks that it runs."""
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    seen = np.stack([route.as_input(route.pack(image)) for image in images])
    (found,) = session.run(None, {"input": seen})
    difference = float(np.abs(found - expected).max()) / max(1e-6, float(np.abs(expected).max()))
    if not difference <= _TOLERANCE:
        raise ValueError(f"Expected the exported network to agree within {_TOLERANCE}, got {difference:.1e}")


def _add_model(client: Client, content: bytes, route: Route, output: str, classes: Sequence[str] | None) -> str:
    description = {**route.description(), "output": output, "licence": "unknown", "source": "umbra_client.torch"}
    digest = hashlib.sha256(content + repr((sorted(description.items()), classes)).encode()).hexdigest()
    name = f"torch-{digest[:32]}"
    if not _is_known(client, name):
        client.add_model(content, {"name": name, **description}, classes)
    return name


def _is_known(client: Client, name: str) -> bool:
    """Whether the service can run a model of that name, which says all that is in it."""
    try:
        return client.model(name)["setAside"] is None
    except UmbraError as error:
        if error.code != "not_found":
            raise
        return False


__all__ = ["Eight", "Packed", "TorchExplanation", "explain"]
