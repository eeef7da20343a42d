import base64

import numpy as np
import pandas
import pytest
from conftest import SETTINGS, draw

from umbra_client import Photo, UmbraError
from umbra_client._arrays import decode_cells


@pytest.fixture(scope="module")
def reported(client):
    box = {"top": 8, "left": 8, "bottom": 28, "right": 30}
    photos = [Photo(draw(100 + seed), f"{seed:02}.png", f"kind {seed % 2}", box) for seed in range(24)]
    job = client.submit(photos, "tiny", SETTINGS, labels=None).wait(timeout=60)
    return job, job.report(timeout=120, groupBy="label", checkedImages=2)


def test_a_report_has_its_maps_as_arrays(reported):
    job, report = reported
    assert report.data["isComplete"]
    assert report.metrics["images"] == 24
    assert [(one.label, one.images) for one in report.classes] == [("kind 0", 12), ("kind 1", 12)]
    rows, columns = report.data["lattice"]["rows"], report.data["lattice"]["columns"]
    maps = [image.attribution for image in job.images() if image.result["image"]["label"] == "kind 0"]
    atlas = report.classes[0].atlas
    assert atlas.mean.shape == atlas.deviation.shape == (rows, columns)
    # 32 px onto 16 cells: a cell is the mean of 2 x 2 px.
    expected = np.mean(maps, 0).reshape(rows, 32 // rows, columns, 32 // columns).mean((1, 3))
    np.testing.assert_allclose(atlas.mean, expected, atol=1e-6)
    assert report.classes[0].object_atlas.images == 12
    drops = [row["drop"] for row in job.rows(where=["label=kind 0"])]
    np.testing.assert_allclose(report.classes[0].drop["mean"], np.mean(drops), atol=1e-6)


def test_clusters_have_crops_and_trials(reported):
    job, report = reported
    cluster = report.clusters[0]
    assert report.crop(cluster["members"][0]["id"])[8:12] == b"WEBP"
    trial = job.trial(cluster["id"], timeout=120)
    # All but those in which no other box has room.
    assert 1 <= trial["result"]["cover"]["images"] <= cluster["images"]
    region = {"top": 0.0, "left": 0.0, "bottom": 0.5, "right": 0.5}
    index = next(one.index for one in report.classes if one.label == "kind 1")
    by_place = job.trial(region=region, class_name="kind 1", class_index=index, images=5, timeout=120)
    assert by_place["result"]["cover"]["images"] == 5
    with pytest.raises(UmbraError, match=f"one of {index}, got {index + 1}"):
        job.trial(region=region, class_name="kind 1", class_index=index + 1)
    for wrong in ({}, {"cluster": 0, "region": region}, {"region": region}, {"cluster": 0, "class_index": 1}):
        with pytest.raises(ValueError, match="cluster"):
            job.trial(**wrong)
    with pytest.raises(UmbraError):
        job.trial(10_000)


def test_files_of_a_report(reported, tmp_path):
    _, report = reported
    assert "<html" in report.html(tmp_path / "report.html").read_text(encoding="utf-8")
    table = pandas.read_parquet(report.parquet(tmp_path / "report.parquet"))
    assert len(table) == 24
    assert sorted(tmp_path.iterdir()) == [tmp_path / "report.html", tmp_path / "report.parquet"]


def test_a_report_against_itself_differs_in_nothing(reported):
    job, report = reported
    difference = report.against(report)
    assert (difference["a"], difference["b"]) == (job.id, job.id)
    assert difference["metrics"]["drop"]["difference"] == 0


def test_cells_are_base64_of_float32():
    text = base64.b64encode(np.array([1, np.nan, -2, 0.5, 0, 3], "<f4").tobytes()).decode()
    np.testing.assert_array_equal(decode_cells(text, 2, 3), np.float32([[1, np.nan, -2], [0.5, 0, 3]]))
    with pytest.raises(ValueError, match="6"):
        decode_cells(text, 2, 2)
