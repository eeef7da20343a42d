"""What can be sent as a photo."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

#: A file's path, its bytes, an array of uint8 [H, W, 3] (RGB) or [H, W] (grey), or an image of Pillow.
PhotoContent = Union["str | os.PathLike[str] | bytes | NDArray[np.uint8]", "PilImage"]


@dataclass(frozen=True)
class Photo:
    """An image of a data set.

    Attributes:
        content: see `PhotoContent`; a file is read when it is sent.
        name: within the data set; a path's own name if left out.
        label: a class's name, or its index among the model's classes.
        box: the labelled object, in px of the upright photo: `{"top", "left", "bottom", "right"}`, half-open.
    """

    content: Any
    name: str | None = None
    label: str | int | None = None
    box: Mapping[str, int] | None = None

    def named(self, index: int) -> str:
        """Its name, or the one that it goes by at this place of a data set."""
        if self.name is not None:
            return self.name
        if self.is_file:
            return Path(self.content).name
        return f"{index:08}.png"

    def size(self) -> int:
        """Bytes that it takes on the way, or about so many where it is encoded for that."""
        if self.is_file:
            return Path(self.content).stat().st_size
        if isinstance(self.content, bytes):
            return len(self.content)
        return int(getattr(self.content, "nbytes", 1 << 20))

    @property
    def is_file(self) -> bool:
        """Whether its content is a path."""
        return isinstance(self.content, str | os.PathLike)


def encode(content: Any) -> bytes:
    """The bytes of a photo in any form that `PhotoContent` lists; arrays and images of Pillow become PNGs."""
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, str | os.PathLike):
        return Path(content).read_bytes()
    if isinstance(content, np.ndarray):
        return encode_png(content)
    if hasattr(content, "save") and hasattr(content, "mode"):
        file = io.BytesIO()
        content.save(file, "PNG", compress_level=1)
        return file.getvalue()
    raise TypeError(
        f"Expected a photo as a path, bytes, an array of uint8 or an image of Pillow, got {type(content).__name__}"
    )


def encode_png(pixels: NDArray[Any], level: int = 1) -> bytes:
    """A PNG of uint8 [H, W, 3] (RGB) or [H, W] (grey), without loss.

    Raises:
        ValueError: if it has another type or shape. Floats are not guessed at: [0, 1] and [0, 255] are both usual.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"Expected uint8 [H, W, 3] or [H, W], got {pixels.dtype} {list(pixels.shape)}")
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    # Each row begins with the filter 0, none.
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, level)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def list_folder(folder: Path) -> Iterator[Photo]:
    """All files of a folder and its folders, by their paths within; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in within.parts):
            yield Photo(path, within.as_posix())


def list_photos(images: Any) -> Iterator[Photo]:
    """Photos of anything that `Client.submit` takes."""
    if isinstance(images, str | os.PathLike):
        folder = Path(images)
        if not folder.is_dir():
            raise ValueError(f"Expected a folder, or several images in a list, got '{folder}'")
        yield from list_folder(folder)
        return
    for item in _iterate(images):
        yield _photo_of(item)


def _iterate(images: Any) -> Iterable[Any]:
    if isinstance(images, Iterable) and not isinstance(images, bytes | np.ndarray):
        return images
    raise TypeError(f"Expected a folder or an iterable of images, got {type(images).__name__}")


def _photo_of(item: Any) -> Photo:
    if isinstance(item, Photo):
        return item
    if not isinstance(item, tuple):
        return Photo(item)
    first, second = item
    if isinstance(second, bytes) and isinstance(first, str):
        return Photo(second, first)
    if isinstance(second, str | int | np.integer) and not isinstance(second, bool):
        return Photo(first, label=second if isinstance(second, str) else int(second))
    raise TypeError("Expected a pair to be (name, bytes) or (image, label)")
