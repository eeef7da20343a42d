"""Times umbra_client.torch.explain beside Captum's Occlusion on the same images, in turns, and holds one to the other.

Both start from a module and tensors in memory and end with tensors [N, C, H, W]. Umbra's time has three parts: `send` is
the export, the look whether the service has the model, the images, and the job; `run` is the job; `fetch` is the maps.
Before the rounds one image is explained twice: the first time, the model is uploaded and checked as well. Results are
not reused between rounds. `npm run bench -- python` starts a service for it.

Inputs: --model (a torchvision architecture, with random weights), --images, --patch, --stride, --rounds, --threads (of
    Captum; the service has its own setting), --json; a service whose key may add models (UMBRA_API_URL, UMBRA_API_KEY).
Outputs: a line for each round on standard error; with --json one JSON object on standard output:
    {"model", "images", "patch", "stride", "first", "again", "rounds": [{"umbra", "captum", "difference"}], "versions"},
    where `first`, `again` and `umbra` are {"send", "run", "fetch"}, in seconds.
Versions: requirements.txt, and umbra_client on PYTHONPATH.
"""

import argparse
import json
import platform
import sys
import time

import captum
import torch
import torchvision
from captum.attr import Occlusion

import umbra_client.torch
from umbra_client import Client

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--patch", type=int, default=32)
    parser.add_argument("--stride", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    net = torchvision.models.get_model(given.model, weights=None).eval()
    pixels = torch.randint(0, 256, (given.images, 3, SIZE, SIZE)) / 255
    images = torchvision.transforms.functional.normalize(pixels, MEAN, STD)
    with Client() as client:
        first, _ = explain(client, net, images[:1], given)
        again, _ = explain(client, net, images[:1], given)
        rounds = [measure(client, net, images, given, number) for number in range(given.rounds)]
    found = {
        "model": given.model,
        "images": given.images,
        "patch": given.patch,
        "stride": given.stride,
        "first": first,
        "again": again,
        "rounds": rounds,
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "captum": captum.__version__},
    }
    if given.json:
        print(json.dumps(found))


def measure(client, net, images, given, number):
    parts, maps = explain(client, net, images, given)
    seconds, expected = timed(lambda: occlude(net, images, given))
    row = {"umbra": parts, "captum": seconds, "difference": float((maps - expected).abs().max())}
    print(f"round {number + 1}: {row}", file=sys.stderr, flush=True)
    return row


def explain(client, net, images, given):
    """Seconds of each part, and the maps."""
    send, explained = timed(
        lambda: umbra_client.torch.explain(
            net, [images], client=client, patch=given.patch, stride=given.stride, reuse=False, timeout=600
        )
    )
    run, _ = timed(lambda: explained.job.wait(timeout=600))
    fetch, maps = timed(lambda: torch.cat(list(explained)))
    return {"send": send, "run": run, "fetch": fetch}, maps


@torch.no_grad()
def occlude(net, images, given):
    """Image by image, with the batch that bench/peers/captum_occlusion.py finds best of most networks here."""
    occlusion = Occlusion(net)
    maps = [
        occlusion.attribute(
            image[None],
            target=int(net(image[None]).argmax()),
            sliding_window_shapes=(3, given.patch, given.patch),
            strides=(3, given.stride, given.stride),
            baselines=0,
            perturbations_per_eval=8,
        )
        for image in images
    ]
    return torch.cat(maps)


def timed(run):
    began = time.perf_counter()
    result = run()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main()
