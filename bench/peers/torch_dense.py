"""Measures dense occlusion with PyTorch: the best of batch sizes, memory formats and compilers.

Rows: `eager` and `eager channels_last`; `frozen`, torch.jit's optimize_for_inference, and
    `compiled`, torch.compile with frozen weights, at the best batch of the eager rows. If a compiler
    is missing or fails, its row is omitted, with a line on standard error.
Inputs, outputs and versions: timing.py.
"""

import sys
import warnings

import torch
from timing import SIZE, best_batch, climb, corners_of, load_network, occlude, parse_arguments, report


def main():
    given = parse_arguments(__doc__)
    image, corners = torch.randn(3, SIZE, SIZE), corners_of(given)
    rows = []
    for name, layout in (("eager", torch.contiguous_format), ("eager channels_last", torch.channels_last)):
        net = load_network(given.model).to(memory_format=layout)

        def measure(batch):
            return time_network(net, layout, image, corners, batch, given)

        rows += climb(name, measure)
    batch = min(rows, key=lambda row: row["msPerPosition"])["batch"]
    for name, prepare in (("frozen", freeze), ("compiled", compile_frozen)):
        try:
            net = prepare(load_network(given.model), torch.zeros(batch, 3, SIZE, SIZE))
            rows += climb(name, lambda batch: time_network(net, torch.contiguous_format, image, corners, batch, given), [batch])
        except Exception as error:  # noqa: BLE001: whatever a compiler raises, the other rows are valid
            print(f"{name}: omitted: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    report(rows, given)


def time_network(net, layout, image, corners, batch, given):
    # Not inference_mode: torch.compile refuses to freeze weights under it.
    with torch.no_grad():
        return best_batch(lambda some: net(occlude(image, some, given.patch, layout)), corners, batch, given.seconds)


def freeze(net, example):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, example)))


def compile_frozen(net, example):
    from torch._inductor import config

    config.freezing = True
    with torch.no_grad():
        compiled = torch.compile(net, dynamic=False)
        compiled(example)
    return compiled


if __name__ == "__main__":
    main()
