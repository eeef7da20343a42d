"""Makes golden.json: every score and target of random heads, by their definitions in NumPy.

Each head is a network of one layer over a picture of 4 x 4 px: `output = W x`, followed by a softmax,
by a sigmoid, or by nothing, with an auxiliary output beside it or not. Pixels and weights are small
multiples of 1/8, so that float32 holds them and their products exactly.

Definitions, for a row z of numbers that the network gives:
    logits                     p = exp(z) / sum(exp(z))
    probabilities              p = z
    independent-logits         p = 1 / (1 + exp(-z))
    independent-probabilities  p = z
    one number                 p of the class that it speaks for; its opposite has 1 - p and -z
    log-odds                   ln(p / (1 - p))
    predicted                  the largest p; of independent classes only from the threshold on (-2: none);
                               of one number class 1 from the threshold on, class 0 below

Version: NumPy 2.4.

    python test/golden/heads/make.py
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
SIZE, PATCH = 4, 2
KINDS = ["logits", "probabilities", "independent-logits", "independent-probabilities"]


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def describe(kind, z, threshold):
    """z: float64 [numbers], before the last activation, from which p is exact."""
    single = len(z) == 1
    exclusive = not kind.startswith("independent")
    p = softmax(z) if exclusive else sigmoid(z)
    if single:
        p, z = np.array([1 - p[0], p[0]]), np.array([-z[0], z[0]])
        odds = z
        predicted = int(p[1] >= threshold)
        rank = [predicted, 1 - predicted]
    else:
        odds = np.log(p) - np.log(np.array([np.delete(p, i).sum() for i in range(len(p))])) if exclusive else z
        rank = sorted(range(len(p)), key=lambda i: (-p[i], i))
        predicted = rank[0] if exclusive or p[rank[0]] >= threshold else -2
    found = {"probability": p.tolist(), "log-odds": odds.tolist(), "predicted": predicted, "rank": rank}
    if kind.endswith("logits"):
        found["logit"] = z.tolist()
    return found


def main():
    rng = np.random.default_rng(15)
    heads = []
    for number in range(48):
        kind = KINDS[number % 4]
        least = 1 if kind.startswith("independent") else 2
        width = 1 if least == 1 and number % 3 == 0 else int(rng.integers(max(2, least), 7))
        threshold = [0.5, 0.3, 0.8][number % 3] if least == 1 else 0.5
        image = rng.integers(-8, 9, (3, SIZE, SIZE))
        weights = rng.integers(-4, 5, (width, 3, SIZE, SIZE))
        rows = []
        for box in [None] + [(y, x) for y in range(0, SIZE, PATCH) for x in range(0, SIZE, PATCH)]:
            occluded = image.astype(np.float64) / 8
            if box is not None:
                y, x = box
                occluded[:, y : y + PATCH, x : x + PATCH] = 0
            z = (weights / 8 * occluded).reshape(width, -1).sum(1)
            rows.append(describe(kind, z, threshold))
        heads.append(
            {
                "kind": kind,
                "threshold": threshold,
                "auxiliary": number % 2 == 1,
                "image": image.reshape(-1).tolist(),
                "weights": weights.reshape(width, -1).tolist(),
                "baseline": rows[0],
                "positions": rows[1:],
            }
        )
    golden = {"numpy": np.__version__, "size": SIZE, "patch": PATCH, "heads": heads}
    text = json.dumps(golden, separators=(",", ":"))
    (HERE / "golden.json").write_text(text.replace('{"kind"', '\n{"kind"') + "\n")


if __name__ == "__main__":
    main()
