"""How tensors become pixels without loss, and what makes them tensors again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

#: Largest distance of a pixel from a whole level, of 255: float32 keeps it below 1e-4.
_LEVEL = 2e-4
#: Largest change of an image by being made pixels, as a share of its largest number.
_CHANGE = 1e-3
_NORMALISATIONS: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    ((0.0,) * 3, (1.0,) * 3),
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ((0.5,) * 3, (0.5,) * 3),
)
#: The largest number of three balanced digits of base 256, which are -128 to 127.
_LARGEST = 127 * (65_536 + 256 + 1)
#: As a number of three digits of 0 to 255, the one whose balanced digits are all 0.
_MIDDLE = 128 * (65_536 + 256 + 1)


class Route:
    """How images [C, H, W] of float32 become PNGs, and what the service then makes the model's input of.

    Attributes:
        kind: `8-bit` or `float`.
        channels: C.
        size: H and W.
        factor: sides of a PNG, in those of an image.
        fill: what the service writes under the patch, in its own normalised units.
    """

    kind: ClassVar[str]
    channels: int
    size: tuple[int, int]
    factor: int
    fill: float

    def pack(self, image: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The pixels of an image.

        Raises:
            ValueError: if it cannot be sent exactly.
        """
        raise NotImplementedError

    def as_input(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the service makes of pixels: [3 or 1, height, width]."""
        raise NotImplementedError

    def description(self) -> dict[str, Any]:
        """Of the model: how the service makes its input of pixels."""
        raise NotImplementedError

    def example(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Two inputs as the service makes them."""
        one = self.as_input(self.pack(images[0]))
        return np.stack([one, one])

    def unpack_map(self, attribution: NDArray[np.float32]) -> NDArray[np.float32]:
        """The map [H, W] of one in the service's input frame."""
        return np.ascontiguousarray(attribution[:: self.factor, :: self.factor])

    def assert_shape(self, image: NDArray[np.float32]) -> None:
        """Refuse an image of another shape than the first."""
        if image.shape != (self.channels, *self.size):
            raise ValueError(f"Expected all images to be {[self.channels, *self.size]}, got {list(image.shape)}")


@dataclass(frozen=True)
class Eight(Route):
    """Pixels of 8 bits that were scaled by 1/255, and normalised."""

    kind: ClassVar[str] = "8-bit"
    channels: int
    size: tuple[int, int]
    fill: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    factor: int = 1

    def levels(self, image: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
        """The nearest levels of 0 to 255, and the largest distance from them."""
        mean, std = (np.array(one)[:, None, None] for one in (self.mean, self.std))
        found = (image.astype(np.float64) * std + mean) * 255
        nearest = np.clip(np.round(found), 0, 255)
        # What is not a number is far from every level.
        return nearest, float(np.nan_to_num(np.abs(found - nearest), nan=np.inf).max())

    def is_made_of(self, image: NDArray[np.float32]) -> bool:
        """Whether the image is such pixels, but for rounding. Tiny numbers alone are near a level, and are none."""
        if self.levels(image)[1] > _LEVEL:
            return False
        change = np.abs(self.as_input(self.pack(image)) - image).max()
        return bool(change <= _CHANGE * np.abs(image).max())

    def pack(self, image: NDArray[np.float32]) -> NDArray[np.uint8]:
        """See `Route`."""
        self.assert_shape(image)
        nearest, distance = self.levels(image)
        if distance > _LEVEL:
            raise ValueError(
                f"Expected pixels of 8 bits with mean {self.mean} and std {self.std}, got one that is "
                f"{distance:.3g} of 255 levels away: give the loader's mean and std, or inputs='float'"
            )
        pixels = np.ascontiguousarray(nearest.astype(np.uint8).transpose(1, 2, 0))
        return pixels[..., 0] if self.channels == 1 else pixels

    def as_input(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Route`."""
        planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        mean, std = (np.array(one)[:, None, None] for one in (self.mean, self.std))
        return np.asarray((planes / 255 - mean) / std, np.float32)

    def description(self) -> dict[str, Any]:
        """See `Route`."""
        return {
            **_frame(self.size),
            "channels": "L" if self.channels == 1 else "RGB",
            "scale": 1 / 255,
            "mean": list(self.mean),
            "std": list(self.std),
        }


@dataclass(frozen=True)
class Packed(Route):
    """Each number is a pixel: 24 bits of fixed point, as three balanced digits of base 256, around the baseline.

    A channel's numbers lie at a place of their own in each block of `factor` x `factor` pixels, so that a convolution
    with that stride makes the channels. The unit is a power of two: all products and sums are exact in float32, but for
    adding the baseline. A patch of the service's normalised 0 is the baseline.
    """

    kind: ClassVar[str] = "float"
    channels: int
    size: tuple[int, int]
    #: What covered pixels are, as the network sees them.
    baseline: float
    #: Value of the last digit.
    unit: float
    fill: float = 0.0

    @property
    def factor(self) -> int:  # type: ignore[override]
        """Sides of a block, which has a pixel for each channel."""
        return math.ceil(math.sqrt(self.channels))

    def pack(self, image: NDArray[np.float32]) -> NDArray[np.uint8]:
        """See `Route`."""
        self.assert_shape(image)
        steps = np.round((image.astype(np.float64) - self.baseline) / self.unit)
        if not np.all(np.abs(steps) <= _LARGEST):
            raise ValueError(
                f"Expected numbers at most {_LARGEST * self.unit:.4g} away from {self.baseline}, got "
                f"{float(np.abs(image - self.baseline).max()):.4g}: give the loader's largest distance as limit"
            )
        numbers = (steps + _MIDDLE).astype(np.int64)
        height, width = self.size
        pixels = np.full((height * self.factor, width * self.factor, 3), 128, np.uint8)
        for channel, plane in enumerate(numbers):
            y, x = divmod(channel, self.factor)
            for digit in range(3):
                pixels[y :: self.factor, x :: self.factor, digit] = plane >> (8 * (2 - digit)) & 255
        return pixels

    def as_input(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Route`."""
        return np.asarray((pixels.transpose(2, 0, 1) - 128.0) / 128.0, np.float32)

    def description(self) -> dict[str, Any]:
        """See `Route`."""
        size = (self.size[0] * self.factor, self.size[1] * self.factor)
        return {**_frame(size), "channels": "RGB", "scale": 1 / 128, "mean": [1.0] * 3, "std": [1.0] * 3}

    def weights(self) -> NDArray[np.float32]:
        """Of the convolution [C, 3, factor, factor]."""
        weights = np.zeros((self.channels, 3, self.factor, self.factor), np.float32)
        for channel in range(self.channels):
            y, x = divmod(channel, self.factor)
            weights[channel, :, y, x] = [self.unit * 128 * 256 ** (2 - digit) for digit in range(3)]
        return weights


def choose_route(
    images: NDArray[np.float32],
    *,
    fill: float,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    inputs: str,
    limit: float | None,
) -> Route:
    """How images like these [N, C, H, W] are sent: see `umbra_client.torch.explain`.

    Raises:
        ValueError: for 8-bit pixels that they are not.
    """
    _, channels, height, width = images.shape
    size = (height, width)
    if inputs != "float" and channels in (1, 3):
        given = None if mean is None and std is None else (mean or (0.0,) * channels, std or (1.0,) * channels)
        for one, other in _NORMALISATIONS if given is None else (given,):
            eight = Eight(channels, size, float(fill), tuple(one)[:channels], tuple(other)[:channels])
            if all(eight.is_made_of(image) for image in images):
                return eight
    if inputs == "8-bit":
        raise ValueError(
            "Expected pixels of 8 bits in 1 or 3 channels: give the loader's mean and std, or inputs='float'"
        )
    furthest = limit if limit is not None else 2 * float(np.abs(images - fill).max())
    if not math.isfinite(furthest):
        raise ValueError("Expected finite numbers in the first batch")
    unit = 2.0 ** math.ceil(math.log2(max(furthest, 1e-30) / _LARGEST))
    return Packed(channels, size, float(fill), unit)


def _frame(size: tuple[int, int]) -> dict[str, Any]:
    """The image is the input: nothing is resized."""
    frame = {"height": size[0], "width": size[1]}
    return {"layout": "NCHW", "size": frame, "resize": {"rule": "squash"}, "interpolation": "bilinear"}
