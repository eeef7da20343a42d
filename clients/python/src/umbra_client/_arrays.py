"""Arrays, as the service writes them."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray


def decode_npy(content: bytes) -> NDArray[np.generic]:
    """The array of a `.npy` file; nothing in it is run."""
    array: NDArray[np.generic] = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def decode_cells(text: str, rows: int, columns: int) -> NDArray[np.float32]:
    """The map [rows, columns] of a report: base64 of little-endian float32, NaN where nothing is known.

    Raises:
        ValueError: if the text has another number of cells.
    """
    cells = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    if cells.size != rows * columns:
        raise ValueError(f"Expected {rows} x {columns} cells, got {cells.size}")
    return cells.reshape(rows, columns).astype(np.float32)
