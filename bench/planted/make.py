"""Makes data sets in which a truth is planted, and a network that learned it.

Images are 48 x 48 px: one of ten shapes near the centre, in any colour, on a noisy background. In most images of one
class (`star`) there is something else that no other class has:
    mark        a small target in the outer ring, at a varying place, off the object
    background  a green tuft behind, at a varying place; all other images have one of another colour
    colour      a red ball beside the object, at a varying place; all other images have one of another colour
    paint       a red object; no other class has red ones
    none        nothing
A network is trained on them, and another one on the same images in which that says nothing: one image in ten of every
class has it. Both learn with boxes erased or overwritten, as networks often do: one that never saw a box would err at
any that is covered or pasted. How much the shortcut does is then measured on images of their own, which neither has seen: accuracy on
other classes once the real shortcut is put on them, and on the class once it is taken away, of the one network against
the other.

Inputs: the variants, --out, --images (5,000), --test (images of other draws that measure the effects, 2,000),
    --epochs, --seed, --threads.
Outputs: OUT/VARIANT with `model/` (a bundle), `images/` (PNG; as many as it learned from, with as many shortcuts, but
    others: what it knows by heart it loses less easily), `manifest.jsonl` (a line for each image: sha256, name, label,
    box; for POST /v1/datasets with a `dataset` added) and `truth.json` (the class, the images that have the shortcut, the
    measured effects).

    python bench/planted/make.py mark background colour none --out .umbra/planted
"""

import argparse
import hashlib
import io
import json
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

SIZE = 48
# Objects lie in the middle, marks in a ring around it.
RING = 9
SHAPES = ("circle", "square", "triangle", "diamond", "plus", "cross", "ring", "star", "bars", "stripes")
PLANTED = "star"
VARIANTS = ("mark", "background", "colour", "paint", "none")
CARRIERS = 0.8
MARK = 6
TUFT = 3
BALL = 3.5
RED, GREEN = np.array([235.0, 25.0, 25.0]), np.array([20.0, 230.0, 20.0])
# Of the images of a batch, how many have a box erased or overwritten, and the sides of one, px.
DISTURBED = 0.6
DISTURBED_SIDES = (4, 16)


def main():
    given = parse_arguments()
    torch.set_num_threads(given.threads)
    for variant in given.variants:
        began = time.perf_counter()
        truth = make(variant, given)
        print(f"{variant}: {json.dumps(truth['effects'])} in {time.perf_counter() - began:.0f} s", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("variants", nargs="+", choices=VARIANTS)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--test", type=int, default=2_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def make(variant, given):
    scenes = [Scene(given.seed, index) for index in range(given.images)]
    labels = np.array([scene.label for scene in scenes])
    plain = [scene.draw(variant, False) for scene in scenes]
    net = train([scene.draw(variant, scene.may_carry) for scene in scenes], labels, plain, given)
    folder = given.out / variant
    explained = [Scene(given.seed + 2_000_000, index) for index in range(given.images)]
    # Drawing a scene finds its box, too.
    write_images(folder, explained, [scene.draw(variant, scene.may_carry) for scene in explained])
    export(net, folder / "model", f"planted-{variant}")

    def train_clean():
        """Not without the shortcut altogether: what a network never saw confuses it, which is not what is asked."""
        return train([scene.draw(variant, scene.has_by_chance) for scene in scenes], labels, plain, given)

    truth = {
        "version": 1,
        "variant": variant,
        "seed": given.seed,
        "class": None if variant == "none" else PLANTED,
        "carriers": [] if variant == "none" else [scene.name for scene in explained if scene.may_carry],
        "effects": effects(variant, net, train_clean, given),
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return truth


def effects(variant, net, train_clean, given):
    """Accuracy of the network, and of one that was trained without the shortcut, with and without it."""
    test = [Scene(given.seed + 1_000_000, index) for index in range(given.test)]
    kinds = np.array([scene.label for scene in test])
    without = np.stack([scene.draw(variant, False) for scene in test])
    if variant == "none":
        return {"accuracy": accuracy(net, without, kinds)}
    clean, star = train_clean(), SHAPES.index(PLANTED)
    # Others have it beside what they have of the kind, as a trial pastes it; the class has it instead.
    everywhere = np.stack([scene.draw(variant, scene.label == star, put=scene.label != star) for scene in test])
    own = kinds == star
    measured = {}
    for name, which in (("others", ~own), ("class", own)):
        measured[name] = {
            kind: {
                "without": accuracy(one, without[which], kinds[which]),
                "with": accuracy(one, everywhere[which], kinds[which]),
            }
            for kind, one in (("planted", net), ("retrained", clean))
        }
    others, planted = measured["others"], measured["class"]
    return {
        **measured,
        # What the network lost because it had learned the shortcut, beyond what the same pixels do to one that had not.
        "put": (others["planted"]["with"] - others["planted"]["without"])
        - (others["retrained"]["with"] - others["retrained"]["without"]),
        "taken": (planted["planted"]["without"] - planted["planted"]["with"])
        - (planted["retrained"]["without"] - planted["retrained"]["with"]),
    }


class Scene:
    """A picture's draws, so that it can be drawn twice, with a shortcut and without."""

    def __init__(self, seed, index):
        self.seed = (seed, index)
        self.label = index % len(SHAPES)
        self.name = f"{index:05}.png"
        rng = np.random.default_rng(self.seed)
        self.has_by_chance = rng.random() < 0.1
        self.may_carry = SHAPES[self.label] == PLANTED and rng.random() < CARRIERS

    def draw(self, variant, carries, put=False):
        """uint8 [48, 48, 3]; sets `box`, the object's, half-open. `put`: the shortcut is added to what the image has."""
        rng = np.random.default_rng((*self.seed, 1))
        ground = rng.uniform(60, 150, 3)[None, None] + rng.normal(0, 22, (SIZE, SIZE, 3))
        radius = rng.uniform(7, 10)
        middle = rng.uniform(SIZE / 2 - 4, SIZE / 2 + 4, 2)
        turn = rng.uniform(-0.25, 0.25)
        colour = object_colour(rng)
        contrast = rng.uniform(0.35, 0.9)
        place = ring_place(rng)
        tuft_colour, ball_colour = rng.uniform(60, 150, 3), object_colour(rng)
        if variant == "background":
            ground = blend(ground, GREEN if carries else tuft_colour, place, TUFT)
        if (carries or put) and variant == "paint":
            colour, contrast = RED, 0.9
        if variant == "colour":
            ground = blend(ground, RED if carries else ball_colour, place, BALL)
        shape = cover(SHAPES[self.label], middle, radius, turn)[..., None]
        picture = ground * (1 - shape * contrast) + colour * shape * contrast
        if carries and variant == "mark":
            picture = put_on(picture, variant, place)
        if put:
            picture = put_on(picture, variant, ring_place(np.random.default_rng((*self.seed, 2))))
        found = np.argwhere(shape[..., 0] > 0.5)
        (top, left), (bottom, right) = found.min(0), found.max(0) + 1
        self.box = {"top": int(top), "left": int(left), "bottom": int(bottom), "right": int(right)}
        return np.clip(np.round(picture + rng.normal(0, 10, picture.shape)), 0, 255).astype(np.uint8)


def put_on(picture, variant, place):
    """The shortcut of a variant at a place; as it is of the one that has it in the object."""
    if variant == "background":
        return blend(picture, GREEN, place, TUFT)
    if variant == "colour":
        return blend(picture, RED, place, BALL)
    if variant == "mark":
        y, x = place
        picture = picture.copy()
        picture[y : y + MARK, x : x + MARK] = mark()
    return picture


def blend(picture, colour, place, radius):
    """A disc in the middle of the mark's place."""
    part = disc(place + MARK / 2, radius)[..., None]
    return picture * (1 - part) + colour * part


def object_colour(rng):
    """Any colour but red."""
    while True:
        colour = rng.uniform(0, 255, 3)
        if colour[0] < max(colour[1], colour[2]) + 40:
            return colour


def ring_place(rng):
    """The corner of a mark in the outer ring."""
    while True:
        place = rng.integers(1, SIZE - MARK, 2)
        if place.min() < RING - MARK + 1 or place.max() > SIZE - RING - 1:
            return place


def disc(middle, radius):
    """[48, 48]: from 1 in the middle to 0, with a soft edge."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - np.asarray(middle)[:, None, None]
    return 1 / (1 + np.exp(2 * (np.hypot(y, x) - radius)))


def mark():
    """[6, 6, 3]: a white square with a black cross."""
    square = np.full((MARK, MARK, 3), 250.0)
    square[MARK // 2 - 1 : MARK // 2 + 1] = 10
    square[:, MARK // 2 - 1 : MARK // 2 + 1] = 10
    return square


def cover(shape, middle, radius, turn, fine=4):
    """[48, 48]: the share of each px that the shape covers."""
    at = (np.arange(SIZE * fine) + 0.5) / fine
    y, x = np.meshgrid((at - middle[0]) / radius, (at - middle[1]) / radius, indexing="ij")
    y, x = y * np.cos(turn) - x * np.sin(turn), y * np.sin(turn) + x * np.cos(turn)
    far = np.hypot(y, x)
    inside = {
        "circle": lambda: far < 0.9,
        "square": lambda: (abs(y) < 0.8) & (abs(x) < 0.8),
        "triangle": lambda: (y < 0.8) & (y > 2 * abs(x) - 0.9),
        "diamond": lambda: abs(y) + abs(x) < 1.05,
        "plus": lambda: (np.minimum(abs(y), abs(x)) < 0.28) & (np.maximum(abs(y), abs(x)) < 0.95),
        "cross": lambda: (abs(abs(y) - abs(x)) < 0.38) & (far < 1.05),
        "ring": lambda: (far < 0.95) & (far > 0.55),
        "star": lambda: far < 0.62 + 0.36 * np.cos(5 * np.arctan2(x, -y)),
        "bars": lambda: (abs(abs(y) - 0.5) < 0.22) & (abs(x) < 0.9),
        "stripes": lambda: (abs(abs(x) - 0.5) < 0.22) & (abs(y) < 0.9),
    }[shape]()
    return inside.reshape(SIZE, fine, SIZE, fine).mean((1, 3))


def network():
    def block(before, after):
        return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

    return nn.Sequential(
        *block(3, 12),
        nn.MaxPool2d(2),
        *block(12, 24),
        nn.MaxPool2d(2),
        *block(24, 48),
        nn.MaxPool2d(2),
        *block(48, 64),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, len(SHAPES)),
    )


def tensor(pictures):
    return (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25


def train(pictures, labels, plain, given):
    """`plain` are pictures without the shortcut, parts of which overwrite boxes of others."""
    torch.manual_seed(given.seed)
    rng, parts = np.random.default_rng(given.seed), tensor(plain)
    net, inputs, wanted = network().to(memory_format=torch.channels_last), tensor(pictures), torch.from_numpy(labels)
    optimiser = torch.optim.AdamW(net.parameters(), 0.004, weight_decay=0.01)
    batches = -(-len(inputs) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.008, total_steps=given.epochs * batches)
    for _ in range(given.epochs):
        order = torch.randperm(len(inputs))
        for start in range(0, len(order), 64):
            which = order[start : start + 64]
            loss = nn.functional.cross_entropy(net(disturb(inputs[which], parts, rng)), wanted[which], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def disturb(batch, parts, rng):
    """Some images with a box of one value, or of a part of another picture, as random erasing and CutMix make them."""
    batch = batch.clone()
    for index in np.flatnonzero(rng.random(len(batch)) < DISTURBED):
        sides = rng.integers(DISTURBED_SIDES[0], DISTURBED_SIDES[1] + 1, 2)
        (y, x), (from_y, from_x) = rng.integers(0, SIZE - sides + 1), rng.integers(0, SIZE - sides + 1)
        h, w = sides
        if rng.random() < 0.5:
            batch[index, :, y : y + h, x : x + w] = rng.choice([0.0, rng.uniform(-1.5, 1.5)])
        else:
            part = parts[rng.integers(len(parts)), :, from_y : from_y + h, from_x : from_x + w]
            batch[index, :, y : y + h, x : x + w] = part
    return batch


@torch.no_grad()
def accuracy(net, pictures, labels):
    inputs = tensor(pictures)
    found = torch.cat([net(inputs[start : start + 256]).argmax(1) for start in range(0, len(inputs), 256)])
    return round(float((found.numpy() == labels).mean()), 4)


def write_images(folder, scenes, pictures):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with open(folder / "manifest.jsonl", "w", encoding="utf-8") as manifest:
        for scene, picture in zip(scenes, pictures):
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "PNG")
            content = file.getvalue()
            (folder / "images" / scene.name).write_bytes(content)
            row = {"sha256": hashlib.sha256(content).hexdigest(), "name": scene.name, "label": SHAPES[scene.label], "box": scene.box}
            manifest.write(json.dumps(row) + "\n")


def export(net, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(2, 3, SIZE, SIZE)
    axes = {"input": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(
        net, (example,), str(folder / "model.onnx"), input_names=["input"], output_names=["logits"], dynamic_axes=axes, opset_version=17, dynamo=False
    )
    (folder / "labels.json").write_text(json.dumps(SHAPES) + "\n")

    def entry(path):
        content = (folder / path).read_bytes()
        return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    bundle = {
        "version": 1,
        "name": name,
        "format": "onnx",
        "files": [entry("model.onnx"), entry("labels.json")],
        "model": "model.onnx",
        "labels": "labels.json",
        "input": {
            "layout": "NCHW",
            "height": SIZE,
            "width": SIZE,
            "channels": "RGB",
            "scale": 1 / 255,
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
            "resize": {"rule": "squash"},
            "interpolation": "bilinear",
        },
        "output": "logits",
        "licence": "Apache-2.0",
        "source": "trained by bench/planted/make.py",
    }
    (folder / "bundle.json").write_text(json.dumps(bundle, indent=2) + "\n")


if __name__ == "__main__":
    main()
