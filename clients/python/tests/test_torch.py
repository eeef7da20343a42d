import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from torch import nn
from torchvision.models import resnet18

from umbra_client import Client, Photo, UmbraError
from umbra_client.torch import explain

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def photos(count, size, seed=0):
    """Normalised 8-bit pixels, float32 [N, 3, size, size]."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, size, size), np.uint8)
    images = (pixels / np.float32(255) - MEAN[:, None, None]) / STD[:, None, None]
    return torch.from_numpy(images.astype(np.float32))


def network(channels=3, classes=5, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, classes),
    )


def captum(net, images, targets, patch, stride, fill=0.0):
    channels = images.shape[1]
    return Occlusion(net.eval()).attribute(
        images,
        target=targets,
        sliding_window_shapes=(channels, *patch),
        strides=(channels, *stride),
        baselines=fill,
        perturbations_per_eval=8,
    )


@torch.no_grad()
def predicted(net, images):
    return net.eval()(images).argmax(1)


def test_resnet18_equals_captum(client):
    torch.manual_seed(0)
    net = resnet18(weights=None)
    images = photos(2, 224)
    found = explain(net, [images], client=client, patch=64, stride=40)
    assert found.inputs == "8-bit"
    (maps,) = found
    expected = captum(net, images, predicted(net, images), (64, 64), (40, 40))
    assert maps.shape == expected.shape == images.shape
    assert maps.dtype == expected.dtype
    assert float(expected.abs().max()) > 1e-3
    assert float((maps - expected).abs().max()) < 1e-5
    assert len(found) == 1
    found.delete()
    with pytest.raises(UmbraError) as error:
        client.model(found.model)
    assert error.value.code == "not_found"


@pytest.mark.parametrize(("channels", "fill"), [(3, 0.0), (4, -0.75), (1, 0.25)])
def test_floats_of_any_kind_equal_captum(client, channels, fill):
    net = network(channels)
    torch.manual_seed(1)
    batches = [torch.randn(2, channels, 20, 26), torch.randn(1, channels, 20, 26)]
    found = explain(net, batches, client=client, patch=(6, 8), stride=(5, 4), fill=fill)
    assert found.inputs == "float"
    for maps, images in zip(found, batches, strict=True):
        expected = captum(net, images, predicted(net, images), (6, 8), (5, 4), fill)
        assert float((maps - expected).abs().max()) < 1e-5


def test_targets_are_labels_or_a_class(client):
    net = network()
    images, labels = photos(3, 24), torch.tensor([4, 0, 2])
    by_label = explain(net, [(images, labels)], client=client, target="label", patch=8, stride=8)
    assert torch.allclose(next(iter(by_label)), captum(net, images, labels, (8, 8), (8, 8)), atol=1e-5)
    of_one = explain(net, [(images, labels)], client=client, target=3, patch=8, stride=8, classes=list("abcde"))
    assert torch.allclose(next(iter(of_one)), captum(net, images, 3, (8, 8), (8, 8)), atol=1e-5)
    assert next(of_one.job.images()).result["targets"][0]["label"] == "d"


def test_the_module_stays_as_it_was(client):
    net = nn.Sequential(network(), nn.Softmax(1)).double().train()
    images = photos(1, 24)
    (maps,) = explain(net, [images], client=client, patch=8, stride=8, output="probabilities")
    assert net.training
    assert next(net.parameters()).dtype == torch.float64
    expected = captum(net.float(), images, predicted(net, images), (8, 8), (8, 8))
    assert float((maps - expected).abs().max()) < 1e-5


def test_a_data_set_of_tensors_gives_lists_of_one(client):
    net, images = network(), photos(2, 24)
    # The same image twice is two images.
    images[1] = images[0]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), 2)
    (maps,) = explain(net, loader, client=client, patch=8, stride=8)
    assert torch.allclose(maps, captum(net, images, predicted(net, images), (8, 8), (8, 8)), atol=1e-5)


def test_the_same_network_is_uploaded_once(client, monkeypatch):
    uploaded = []

    def add_model(content, description, classes):
        uploaded.append(description["name"])
        return Client.add_model(client, content, description, classes)

    monkeypatch.setattr(client, "add_model", add_model)
    nets = [network(seed=0), network(seed=0), network(seed=1)]
    found = [explain(net, [photos(1, 28)], client=client, patch=14, stride=14) for net in nets]
    assert [one.model for one in found] == [uploaded[0], *uploaded]
    assert torch.equal(*(next(iter(one)) for one in found[:2]))
    for one in (found[2], found[0]):
        one.job.wait(timeout=60)
        one.delete()
    again = explain(nets[1], [photos(1, 28)], client=client, patch=14, stride=14)
    assert uploaded == [found[0].model, found[2].model, again.model]


def test_explanations_of_one_network_are_each_deleted(client):
    net = network(seed=7)
    first, second = (explain(net, [photos(1, 28, seed)], client=client, patch=14, stride=14) for seed in (0, 1))
    datasets = [one.job.wait(timeout=60).status["dataset"] for one in (first, second)]
    first.delete()
    second.delete()
    second.delete()
    for path in (
        *(f"/v1/datasets/{one}" for one in datasets),
        f"/v1/jobs/{second.job.id}",
        f"/v1/models/{first.model}",
    ):
        with pytest.raises(UmbraError) as error:
            client.http.json("GET", path)
        assert error.value.code == "not_found"


def test_a_network_that_a_job_runs_is_not_deleted(client, monkeypatch):
    found = explain(network(seed=8), [photos(1, 28)], client=client, patch=14, stride=14)
    dataset = found.job.wait(timeout=60).status["dataset"]
    delete_model = client.delete_model

    def refuse(name):
        raise UmbraError(f"Model '{name}' is in use", code="conflict", status=409)

    monkeypatch.setattr(client, "delete_model", refuse)
    found.delete()
    with pytest.raises(UmbraError, match=dataset):
        client.http.json("GET", f"/v1/datasets/{dataset}")
    assert client.model(found.model)["name"] == found.model
    monkeypatch.setattr(client, "delete_model", delete_model)
    found.delete()
    with pytest.raises(UmbraError, match=found.model):
        client.model(found.model)


def test_where_an_image_is_refused_nothing_of_it_stays(client, monkeypatch):
    def ids(kind):
        return {one["id"] for one in client.http.json("GET", f"/v1/{kind}", params={"limit": 100})["data"]}

    def break_second(content, name, label):
        return Photo(b"no image" if name == "00000001.png" else content, name, label)

    monkeypatch.setattr("umbra_client.torch.Photo", break_second)
    before = ids("jobs"), ids("datasets")
    with pytest.raises(UmbraError, match="1 refused"):
        explain(network(), [photos(2, 24, seed=9)], client=client, patch=8, stride=8)
    assert (ids("jobs"), ids("datasets")) == before


def test_waiting_for_maps_ends_in_time_and_can_go_on(client):
    found = explain(network(), [photos(2, 24)], client=client, patch=8, stride=8, reuse=False, timeout=0.01)
    with pytest.raises(TimeoutError, match=found.job.id):
        next(iter(found))
    found.timeout = 60
    assert [maps.shape for maps in found] == [(2, 3, 24, 24)]


def test_what_cannot_be_sent_is_refused_first(client):
    net = network()
    with pytest.raises(ValueError, match="at least one batch"):
        explain(net, [], client=client)
    with pytest.raises(ValueError, match="N, C, H, W"):
        explain(net, [torch.zeros(3, 8, 8)], client=client)
    with pytest.raises(ValueError, match="8 bits"):
        explain(net, [torch.randn(1, 3, 8, 8)], client=client, inputs="8-bit")
    with pytest.raises(ValueError, match="pairs"):
        explain(net, [photos(1, 24)], client=client, target="label")
    with pytest.raises(ValueError, match="classes"):
        explain(nn.Conv2d(3, 1, 1), [photos(1, 24)], client=client)
    with pytest.raises(ValueError, match="levels away"):
        explain(net, [photos(1, 24), torch.randn(1, 3, 24, 24)], client=client)
