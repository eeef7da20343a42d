"""Measures dense occlusion with PyTorch in rounds, so that another program's rounds can lie between.

First the best of batch sizes, memory formats and compilers is found, as torch_dense.py finds it. Then
    each line of standard input asks for a round at that best; a JSON line answers it.
Inputs, flags and versions: timing.py.
Outputs: a JSON line {"best", "versions"}, then a line {"msPerPosition"} for each round.
"""

import json
import platform
import sys

import torch
from timing import SIZE, climb, corners_of, load_network, parse_arguments
from torch_dense import compile_frozen, time_network


def main():
    given = parse_arguments(__doc__)
    image, corners = torch.randn(3, SIZE, SIZE), corners_of(given)
    formats = {"eager": torch.contiguous_format, "eager channels_last": torch.channels_last}
    nets = {name: (load_network(given.model).to(memory_format=layout), layout) for name, layout in formats.items()}
    rows = []

    def measure(named, batch):
        net, layout = named
        return time_network(net, layout, image, corners, batch, given)

    for name in formats:
        rows += climb(name, lambda batch: measure(nets[name], batch))
    batch = best_of(rows)["batch"]
    try:
        compiled = compile_frozen(load_network(given.model), torch.zeros(batch, 3, SIZE, SIZE))
        nets["compiled"] = compiled, torch.contiguous_format
        rows += climb("compiled", lambda batch: measure(nets["compiled"], batch), [batch])
    except Exception as error:  # noqa: BLE001: whatever a compiler raises, the other rows are valid
        print(f"compiled: omitted: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    best = best_of(rows)
    answer({"best": best, "versions": {"python": platform.python_version(), "torch": torch.__version__}})
    for _ in sys.stdin:
        answer({"msPerPosition": measure(nets[best["name"]], best["batch"])})


def best_of(rows):
    return min(rows, key=lambda row: row["msPerPosition"])


def answer(line):
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
