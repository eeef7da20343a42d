import io

import numpy as np
import pytest
from PIL import Image

from umbra_client._photos import encode_png
from umbra_client._pixels import Eight, Packed, choose_route

RNG = np.random.default_rng(1)


def choose(images, **options):
    given = {"fill": 0.0, "mean": None, "std": None, "inputs": "auto", "limit": None, **options}
    return choose_route(images, **given)


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 1, 3), (6, 4)])
def test_png_is_without_loss(shape):
    pixels = RNG.integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_normalised_pixels_are_found_out():
    pixels = RNG.integers(0, 256, (2, 3, 8, 9), np.uint8)
    for mean, std in (((0, 0, 0), (1, 1, 1)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.5,) * 3, (0.5,) * 3)):
        images = (pixels / np.float32(255) - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
        route = choose(images.astype(np.float32))
        assert isinstance(route, Eight)
        assert route.mean == mean
        np.testing.assert_array_equal(route.pack(images[0]), pixels[0].transpose(1, 2, 0))
        np.testing.assert_allclose(route.as_input(route.pack(images[0])), images[0], atol=5e-7)


def test_another_normalisation_is_given_and_grey_is_one_channel():
    images = ((RNG.integers(0, 256, (2, 1, 8, 8)) / 255 - 0.1307) / 0.3081).astype(np.float32)
    assert isinstance(choose(images), Packed)
    route = choose(images, mean=[0.1307], std=[0.3081])
    assert route.pack(images[0]).shape == (8, 8)
    assert route.description()["channels"] == "L"
    with pytest.raises(ValueError, match="8 bits"):
        choose(images, inputs="8-bit")
    with pytest.raises(ValueError, match="levels away"):
        route.pack(images[0] + np.float32(0.003))
    with pytest.raises(ValueError, match="all images"):
        route.pack(images[0, :, :4])


def test_tiny_numbers_are_no_black_pixels():
    images = (RNG.standard_normal((1, 3, 8, 8)) * 1e-8).astype(np.float32)
    assert isinstance(choose(images), Packed)
    assert isinstance(choose(images * 0), Eight)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("fill", [0.0, -1.25])
def test_floats_come_back_to_the_last_bits(channels, fill):
    images = (RNG.standard_normal((2, channels, 6, 5)) * 3).astype(np.float32)
    route = choose(images, inputs="float", fill=fill)
    seen = route.as_input(route.pack(images[0]))
    factor = route.factor
    blocks = seen.reshape(3, 6, factor, 5, factor).transpose(0, 2, 4, 1, 3).astype(np.float32)
    found = np.einsum("ckij,kijyx->cyx", route.weights(), blocks, dtype=np.float32) + np.float32(fill)
    furthest = np.abs(images - fill).max()
    assert np.abs(found - images[0]).max() <= furthest * 2.0**-22
    # What the service covers with its 0 is the baseline, exactly.
    assert np.all(np.einsum("ckij,kij->c", route.weights(), np.zeros((3, factor, factor), np.float32)) == 0)
    np.testing.assert_array_equal(route.unpack_map(np.kron(images[0, 0], np.ones((factor, factor)))), images[0, 0])


def test_numbers_out_of_range_are_refused():
    images = np.full((1, 4, 2, 2), 1.0, np.float32)
    route = choose(images)
    route.pack(images[0] * 2)
    for bad in (images[0] * 5, images[0] * np.nan, images[0] * np.inf):
        with pytest.raises(ValueError, match="limit"):
            route.pack(bad)
    assert choose(images, limit=100).pack(images[0] * 100).shape == (4, 4, 3)
    with pytest.raises(ValueError, match="finite"):
        choose(images * np.nan)
