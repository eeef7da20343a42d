import sys
import types

import numpy as np
import pytest
import torch
from conftest import SETTINGS, draw
from virelay.model import Project

from umbra_client.fiftyone import photo_map


def test_captum_shape(job):
    images = list(job.images())
    maps = list(job.to_captum())
    assert [tuple(one.shape) for one in maps] == [(1, 3, 32, 32)] * 4
    assert torch.equal(maps[1][0, 2], torch.from_numpy(images[1].attribution))


@pytest.mark.filterwarnings("ignore")
def test_virelay_opens_the_project(job, tmp_path):
    images = list(job.images())
    project = Project(str(job.to_virelay(tmp_path / "project")))
    assert project.model == "tiny"
    assert len(project.dataset) == 4
    for index, image in enumerate(images):
        sample, attribution = project.dataset[index], project.get_attribution(index)
        assert sample.data.shape == (32, 32, 3)
        assert sample.labels[0].name == image.result["image"]["label"]
        assert attribution.labels[0].name == image.predicted["label"]
        np.testing.assert_array_equal(attribution.data.squeeze(), image.attribution)
        assert attribution.prediction.max() == np.float32(image.predicted["probability"])
    (method,) = project.get_analysis_methods()
    categories = project.get_analysis_categories(method)
    assert {one.human_readable_name for one in categories} == {image.predicted["label"] for image in images}
    analysis = project.get_analysis(method, categories[0].name, "decisive-patch", "pca")
    assert analysis.embedding.shape == (len(analysis.attribution_indices), 8)
    assert analysis.clustering.shape == (len(analysis.attribution_indices),)


class Sample(dict):
    def __init__(self, filepath):
        super().__init__()
        self.filepath = filepath
        self.saved = 0

    def save(self):
        self.saved += 1


@pytest.fixture
def fiftyone(monkeypatch):
    """The parts of FiftyOne's interface that are used: its database does not install everywhere."""
    stub = types.ModuleType("fiftyone")
    stub.Heatmap = lambda map, range: types.SimpleNamespace(map=map, range=range)
    stub.Classification = lambda label, confidence: types.SimpleNamespace(label=label, confidence=confidence)
    monkeypatch.setitem(sys.modules, "fiftyone", stub)


@pytest.mark.usefixtures("fiftyone")
def test_fiftyone_gets_heatmaps(job, folder):
    samples = [Sample(str(path)) for path in sorted(folder.rglob("*.png"))] + [Sample("/elsewhere/a.png")]
    assert job.to_fiftyone(samples) == 4
    assert [sample.saved for sample in samples] == [1, 1, 1, 1, 0]
    images = {image.name: image for image in job.images()}
    first = images["kind 0/a.png"]
    assert samples[0]["umbra_prediction"].label == first.predicted["label"]
    heatmap = samples[0]["umbra"]
    assert heatmap.range == [-np.abs(first.attribution).max(), np.abs(first.attribution).max()]
    np.testing.assert_array_equal(heatmap.map, photo_map(first))


def test_a_map_lies_where_its_crop_was(client):
    # A photo twice as wide as high: the model's crop is its middle.
    image = client.explain(draw(1, 40, 80), "tiny", SETTINGS)
    found = photo_map(image)
    to_photo = image.result["toPhoto"]
    assert found.shape == (round(40 / to_photo["y"]["scale"]), round(80 / to_photo["x"]["scale"]))
    left = round(to_photo["x"]["offset"] / to_photo["x"]["scale"])
    top = round(to_photo["y"]["offset"] / to_photo["y"]["scale"])
    np.testing.assert_array_equal(found[top : top + 32, left : left + 32], image.attribution)
    assert np.count_nonzero(found) == np.count_nonzero(image.attribution)
