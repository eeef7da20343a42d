"""Measures Captum's Occlusion at its best perturbations_per_eval.

Captum always runs the whole grid; after enough positions the network raises to stop it. The time
between two calls of the network is the time of a batch, including Captum's own work.

Inputs, outputs and versions: timing.py.
"""

import time

import captum
import torch
from captum.attr import Occlusion
from timing import SIZE, climb, load_network, parse_arguments, report


class EnoughPositions(Exception):
    """Raised by the network after enough positions."""


def main():
    given = parse_arguments(__doc__)
    image = torch.randn(1, 3, SIZE, SIZE)
    rows = []
    for name, layout in (("captum", torch.contiguous_format), ("captum channels_last", torch.channels_last)):
        net = load_network(given.model).to(memory_format=layout)
        rows += climb(name, lambda batch: best_call(net, image.contiguous(memory_format=layout), batch, given))
    report(rows, given, captum=captum.__version__)


def best_call(net, image, batch, given):
    """Milliseconds for a position of the best full batch; the first one warms up."""
    starts, sizes = [], []

    def forward(images):
        starts.append(time.perf_counter())
        sizes.append(len(images))
        # The baseline image comes first; the last call is not timed.
        timed = sum(sizes[2:-1])
        if len(starts) > 3 and (timed >= given.positions or starts[-1] - starts[2] > given.seconds):
            raise EnoughPositions
        return net(images)

    try:
        Occlusion(forward).attribute(
            image,
            target=0,
            sliding_window_shapes=(3, given.patch, given.patch),
            strides=(3, given.stride, given.stride),
            baselines=0,
            perturbations_per_eval=batch,
        )
    except EnoughPositions:
        pass
    spans = [(after - before) / size for before, after, size in zip(starts[2:], starts[3:], sizes[2:]) if size == batch]
    if not spans:
        raise SystemExit(f"Expected a grid of at least three batches of {batch}, got {sum(sizes) - 1} positions")
    return min(spans) * 1000


if __name__ == "__main__":
    main()
