"""A bar, where tqdm is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def open_progress(wanted: bool, what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that is told how many are done, and of how many."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        wanted = False
    if not wanted:
        yield lambda done, total: None
        return
    with tqdm(desc=what, unit="") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
