"""Measures the article's loop with PyTorch: a copy of the image and one forward pass for each position.

Inputs, outputs and versions: timing.py.
"""

import torch
from timing import SIZE, best_batch, climb, corners_of, load_network, occlude, parse_arguments, report


def main():
    given = parse_arguments(__doc__)
    net, image, corners = load_network(given.model), torch.randn(3, SIZE, SIZE), corners_of(given)

    def run(some):
        # The article computes the softmax of every pass, and reads one class of it.
        return net(occlude(image, some, given.patch)).softmax(1)[0, 0].item()

    with torch.no_grad():
        report(climb("article's loop", lambda batch: best_batch(run, corners, batch, given.seconds), [1]), given)


if __name__ == "__main__":
    main()
