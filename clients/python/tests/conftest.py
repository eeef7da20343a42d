"""A running service: `npm run test:python` starts one, and says where."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from umbra_client import Client

SETTINGS = {"patch": 16, "stride": 8}


@pytest.fixture(scope="session")
def client():
    if "UMBRA_API_URL" not in os.environ:
        pytest.exit("Expected UMBRA_API_URL: run npm run test:python", 1)
    with Client(timeout=30, retries=2) as one:
        yield one


def draw(seed, height=36, width=40):
    """Coarse noise, uint8 [H, W, 3]."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR))


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Photos in two folders whose names are classes, one of another script; a text; a hidden file."""
    root = tmp_path_factory.mktemp("photos")
    for index, name in enumerate(("kind 0/a.png", "kind 0/b.png", "kind 1/Käse 写真.png", "kind 1/deep/kind 2/c.png")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(draw(index)))
    (root / "kind 0" / "note.txt").write_text("no image")
    (root / ".hidden").write_text("x")
    return root


@pytest.fixture(scope="session")
def job(client, folder):
    return client.submit(folder, "tiny", SETTINGS).wait(timeout=60)
