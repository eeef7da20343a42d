import io

import numpy as np
import pytest
from conftest import SETTINGS, draw, png
from PIL import Image

from umbra_client import Client, Photo, UmbraError


def test_every_form_of_a_photo_gives_the_same_map(client, tmp_path):
    pixels = draw(1)
    path = tmp_path / "photo.png"
    path.write_bytes(png(pixels))
    found = [client.explain(photo, "tiny", SETTINGS) for photo in (path, png(pixels), pixels, Image.fromarray(pixels))]
    assert found[0].attribution.shape == (32, 32)
    assert found[0].attribution.dtype == np.float32
    assert found[0].scores.shape == (3, 3)
    assert found[0].predicted_classes.dtype == np.int32
    for one in found[1:]:
        np.testing.assert_array_equal(one.attribution, found[0].attribution)


def test_an_explanation_is_what_its_scores_say(client):
    found = client.explain(draw(2), "tiny", SETTINGS)
    target = found.result["targets"][0]
    expected, cover = np.zeros((32, 32)), np.zeros((32, 32))
    for row in range(3):
        for column in range(3):
            place = np.s_[row * 8 : row * 8 + 16, column * 8 : column * 8 + 16]
            expected[place] += target["score"] - found.scores[row, column]
            cover[place] += 1
    np.testing.assert_allclose(found.attribution, expected / cover, atol=1e-6)
    assert found.predicted["index"] == target["index"]
    assert [one["probability"] for one in found.top] == sorted((one["probability"] for one in found.top), reverse=True)
    assert found.overlay().size == Image.open(io.BytesIO(found.overlay_png())).size


def test_grey_and_several_targets(client):
    found = client.explain(draw(3)[..., 0], "tiny", {**SETTINGS, "target": {"kind": "top", "k": 2}})
    assert found.scores.shape == (2, 3, 3)
    assert found.attribution.shape == (2, 32, 32)


def test_errors_have_the_problems_code_and_words(client):
    with pytest.raises(UmbraError, match=r"Expected") as error:
        client.explain(b"no image", "tiny")
    assert (error.value.code, error.value.status) == ("invalid_input", 400)
    with pytest.raises(UmbraError) as error:
        client.explain(draw(1), "nothing")
    assert error.value.code == "not_found"
    with pytest.raises(UmbraError, match=r"patch") as error:
        client.explain(draw(1), "tiny", {"patch": 0})
    assert error.value.status == 400
    with pytest.raises(ValueError, match="uint8"):
        client.explain(draw(1) / 255, "tiny")
    with pytest.raises(TypeError, match="got list"):
        client.explain([1, 2], "tiny")
    with Client(client.http.url, "umbra_wrong", retries=0) as stranger, pytest.raises(UmbraError) as error:
        stranger.models()
    assert error.value.code == "unauthorized"


def test_no_service_is_unavailable(monkeypatch):
    monkeypatch.setattr("umbra_client._http._FIRST_PAUSE", 0.001)
    with Client("http://127.0.0.1:9", retries=2) as nobody, pytest.raises(UmbraError) as error:
        nobody.models()
    assert (error.value.code, error.value.status) == ("unavailable", None)
    with pytest.raises(ValueError, match="address"):
        Client("127.0.0.1:8080")


def test_url_and_key_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("UMBRA_API_URL", "http://127.0.0.1:1234/")
    monkeypatch.setenv("UMBRA_API_KEY", "umbra_key")
    with Client() as one:
        assert one.http.url == "http://127.0.0.1:1234"
        assert one.http._client.headers["authorization"] == "Bearer umbra_key"


def test_a_folder_is_a_job_with_labels(client, job):
    assert job.status["counts"] == {"total": 4, "completed": 4, "failed": 0}
    assert [refusal["name"] for refusal in job.refusals] == ["kind 0/note.txt"]
    images = list(job.images())
    names = ["kind 0/a.png", "kind 0/b.png", "kind 1/Käse 写真.png", "kind 1/deep/kind 2/c.png"]
    assert sorted(image.name for image in images) == names
    labels = {image.name: image.result["image"]["label"] for image in images}
    assert labels == dict(zip(names, ("kind 0", "kind 0", "kind 1", "kind 2"), strict=True))
    assert images[0].scores.shape == (3, 3)
    np.testing.assert_array_equal(images[0].attribution, client.job(job.id).image(images[0].id).attribution)


def test_rows_and_frames_have_the_same(job):
    rows = list(job.rows(sort="name"))
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert len(list(job.rows(where=["label=kind 0"]))) == 2
    assert len(list(job.rows(where="label=kind 0"))) == 2
    pandas, polars = job.frame("pandas", sort="name"), job.frame("polars", sort="name")
    assert pandas["name"].tolist() == polars["name"].to_list() == [row["name"] for row in rows]
    np.testing.assert_allclose(pandas["drop"], [row["drop"] for row in rows])


def test_pairs_arrays_and_boxes(client):
    box = {"top": 2, "left": 3, "bottom": 20, "right": 30}
    items = [
        ("one.png", png(draw(10))),
        (draw(11), "kind 3"),
        (Image.fromarray(draw(12)), 4),
        Photo(draw(13), "four.png", label="kind 1", box=box),
        draw(14),
    ]
    job = client.submit(iter(items), "tiny", {**SETTINGS, "faithfulness": {"steps": 2}}, labels=None).wait(timeout=60)
    found = {image.name: image.result for image in job.images()}
    labels = {name: result["image"].get("label") for name, result in found.items()}
    assert labels == {
        "one.png": None,
        "kind 3/00000001.png": "kind 3",
        "00000002.png": 4,
        "kind 1/four.png": "kind 1",
        "00000004.png": None,
    }
    games = {name: result["targets"][0]["faithfulness"]["pointingGame"] for name, result in found.items()}
    assert {name for name, game in games.items() if game is not None} == {"kind 1/four.png"}


def test_what_cannot_be_sent_is_refused_before_a_job(client, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        client.submit([], "tiny")
    with pytest.raises(ValueError, match="folder"):
        client.submit(tmp_path / "nothing", "tiny")
    with pytest.raises(TypeError, match="pair"):
        client.submit([("a.png", 1.5)], "tiny")
    with pytest.raises(UmbraError) as error:
        client.submit([draw(1)], "tiny", {"target": {"kind": "label"}})
    assert error.value.status in (400, 422)


def test_a_refused_job_leaves_no_data_set(client):
    def ids():
        return {one["id"] for one in client.http.json("GET", "/v1/datasets", params={"limit": 200})["data"]}

    def broken():
        yield draw(40)
        raise RuntimeError("no more")

    before = ids()
    with pytest.raises(UmbraError, match="nothing") as error:
        client.submit([draw(40)], "nothing")
    assert error.value.code == "not_found"
    # Described by a manifest, which makes a second one.
    with pytest.raises(UmbraError, match="patch"):
        client.submit([(draw(40), 1)], "tiny", {"patch": 0})
    with pytest.raises(UmbraError):
        client.submit([("a.png", b"no image")], "tiny")
    with pytest.raises(RuntimeError, match="no more"):
        client.submit(broken(), "tiny")
    assert ids() == before


def test_batches_are_sent_until_all_is(client, monkeypatch):
    monkeypatch.setattr("umbra_client._upload._BATCH_FILES", 2)
    job = client.submit([draw(seed) for seed in range(20, 25)], "tiny", SETTINGS).wait(timeout=60)
    assert [image.name for image in job.images()] == [f"{index:08}.png" for index in range(5)]


def test_waiting_ends_in_time_and_a_job_in_cancellation(client):
    job = client.submit([draw(seed) for seed in range(30, 34)], "tiny", {"patch": 1, "stride": 1}, reuse=False)
    with pytest.raises(TimeoutError, match=job.id):
        job.wait(timeout=0.01)
    job.cancel()
    with pytest.raises(UmbraError, match="cancelled"):
        job.wait(timeout=60)
    job.delete()
    with pytest.raises(UmbraError) as error:
        _ = job.status
    assert error.value.code == "not_found"


def test_progress_is_shown(job, capsys):
    job.wait(progress=True)
    assert "4/4" in capsys.readouterr().err


def test_models(client):
    assert [model["name"] for model in client.models() if not model["name"].startswith("torch-")] == ["tiny"]
    assert client.model("tiny")["classes"] == 5
