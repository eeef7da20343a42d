"""A job of a service."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ._download import download
from ._errors import UmbraError
from ._explanation import Explanation
from ._http import lines_of
from ._progress import open_progress
from ._report import Report

if TYPE_CHECKING:
    from ._http import Http
    from .models import Job as JobRecord
    from .models import Refusal

_ENDED = ("completed", "failed", "cancelled", "expired")
_SHORTEST_POLL = 0.1
_LONGEST_POLL = 2.0
_PAGE = 200


class Job:
    """A job, by its id. It goes on at the service whatever becomes of this object.

    Attributes:
        id: as `job_...`.
        refusals: files that the service did not take as images, with reasons; empty for a job that was only looked up.
        warnings: what the service said when it was made.
    """

    def __init__(self, http: Http, job: str, refusals: Sequence[Refusal] = (), warnings: Sequence[str] = ()) -> None:
        self._http = http
        self.id = job
        self.refusals = list(refusals)
        self.warnings = list(warnings)

    def __repr__(self) -> str:
        return f"Job({self.id})"

    @property
    def status(self) -> JobRecord:
        """The job's record as it is now: state, counts, rate, the time that is left."""
        return cast("JobRecord", self._http.json("GET", f"/v1/jobs/{self.id}"))

    def wait(self, progress: bool = False, timeout: float | None = None) -> Job:
        """Wait until it has ended, in whatever way; an interrupt (Ctrl-C) ends the waiting and leaves the job.

        Args:
            progress: shows a bar (extra `tqdm`; without it nothing).
            timeout: seconds; None waits as long as the service answers.

        Returns:
            itself.

        Raises:
            UmbraError: if it ended as `failed`, `cancelled` or `expired`; finished images stay.
            TimeoutError: if it has not ended by then.
        """

        def ask() -> JobRecord:
            return self.status

        with open_progress(progress, f"images of {self.id}") as show:

            def tell(job: JobRecord) -> bool:
                counts = job["counts"]
                show(counts["completed"] + counts["failed"], counts["total"])
                return job["state"] in _ENDED

            job = poll(ask, tell, timeout, self.id)
        if job["state"] != "completed":
            error = job["error"] or (job["ending"] or {}).get("error")
            reason = f": {error['message']}" if error else ""
            raise UmbraError(
                f"Job {self.id} ended as {job['state']}{reason}", code=error["code"] if error else "cancelled"
            )
        return self

    def cancel(self) -> None:
        """Have it end soon, as `cancelled`; finished images stay.

        Raises:
            UmbraError: `conflict` if it has ended.
        """
        self._http.request("POST", f"/v1/jobs/{self.id}/cancel", again=True)

    def delete(self) -> None:
        """Delete it with its results; its data set stays.

        Raises:
            UmbraError: `conflict` if it has not ended: cancel it first, and wait.
        """
        self._http.request("DELETE", f"/v1/jobs/{self.id}")

    def images(self, state: str | None = "completed") -> Iterator[Explanation]:
        """Its images in the order of the data set, whose results are fetched when they are asked for.

        Args:
            state: `pending`, `running`, `completed`, `failed`; None for all.
        """
        query: dict[str, str | int] = {"limit": _PAGE} | ({} if state is None else {"state": state})
        for image in self._pages(f"/v1/jobs/{self.id}/images", query):
            yield Explanation(self._http, self.id, image["id"], image["name"], image["state"], image["error"])

    def image(self, image: str) -> Explanation:
        """One finished image by its id, as `img_00000000`; its `name` is not looked up, and is the id."""
        return Explanation(self._http, self.id, image, image)

    def rows(self, where: Sequence[str] = (), sort: str | None = None) -> Iterator[dict[str, Any]]:
        """A row for each image: prediction, drop, place of the lowest score, flips. docs/rows.md lists the fields.

        Args:
            where: filters as `isRight=false` or `drop>=0.1`, all of which hold.
            sort: a field, or `-` and a field for the largest first.

        Raises:
            UmbraError: if the service refuses, or breaks off.
        """
        with self._http.stream(f"/v1/jobs/{self.id}/rows.jsonl", params=_query(where, sort)) as response:
            for line in lines_of(response):
                if line:
                    yield json.loads(line)

    def frame(
        self, kind: Literal["pandas", "polars"] = "pandas", where: Sequence[str] = (), sort: str | None = None
    ) -> Any:
        """The rows as a data frame of pandas or polars (the extra of that name), a column for each field.

        Args:
            kind: of the data frame, which holds all rows in memory; `rows` does not.
            where: see `rows`.
            sort: see `rows`.
        """
        query = _query(where, sort)
        table = io.BytesIO(self._http.request("GET", f"/v1/jobs/{self.id}/rows.parquet", params=query).content)
        if kind == "polars":
            import polars

            return polars.read_parquet(table)
        import pandas

        return pandas.read_parquet(table)

    def report(self, wait: bool = True, timeout: float | None = None, progress: bool = False, **request: Any) -> Report:
        """Have the service make the report over all images, and read it.

        Args:
            wait: False asks for it, and reads what was last written.
            timeout: seconds; None waits as long as the service answers. The report is written all the same.
            progress: shows a bar (extra `tqdm`).
            request: as `groupBy="label"`, `patches=2000`, `others=[job]`, `seed=1`: see docs/report.md.

        Raises:
            TimeoutError: if it is not there by then.
            UmbraError: if it fails; `not_found` if nothing was written yet and `wait` is False.
        """
        path = f"/v1/jobs/{self.id}/report"
        asked = self._http.json("POST", path, json=request, again=True)
        if wait:
            self._wait_for_report(path, asked["requestedAt"], timeout, progress)
        return Report(self._http, self.id, self._http.json("GET", f"{path}.json"))

    def trial(
        self,
        cluster: int | None = None,
        *,
        region: Mapping[str, float] | None = None,
        class_name: str | None = None,
        class_index: int | None = None,
        images: int = 1_000,
        seed: int = 1,
        timeout: float | None = None,
        progress: bool = False,
    ) -> dict[str, Any]:
        """Cover a cluster's patches, or a region of a class's images, and paste them onto others: what changes?

        Args:
            cluster: of the job's report, by its id: `report.clusters[0]["id"]`.
            region: `{"top", "left", "bottom", "right"}`, 0 to 1 of the input, with `class_name`, instead.
            class_name: whose images have the region.
            class_index: of that class, where several classes of the report have its name.
            images: of each arm, at most.
            seed: of the draws.
            timeout: seconds; None waits as long as the service answers. The trial goes on all the same.
            progress: shows a bar (extra `tqdm`).

        Returns:
            the trial; its `result` has the arms `cover`, `coverElsewhere`, `paste` and `pasteOther`, and what was
            done beyond the controls, `coverEffect` and `pasteEffect`; those of pasting are None where no image of
            another class could take it, since there are fewer than two, it fits in none, or photos cannot be read: see
            docs/report.md.

        Raises:
            ValueError: for both a cluster and a region, or neither.
            TimeoutError: if it has not ended by then.
            UmbraError: if the trial fails or is cancelled.
        """
        is_mixed = (region is None) != (class_name is None) or (class_index is not None and class_name is None)
        if (cluster is None) == (region is None) or is_mixed:
            raise ValueError("Expected a cluster, or a region with class_name")
        what: dict[str, Any] = {"kind": "cluster", "cluster": cluster}
        if region is not None:
            what = {"kind": "region", "class": class_name, "region": dict(region)}
            if class_index is not None:
                what["index"] = class_index
        path = f"/v1/jobs/{self.id}/trials"
        begun = self._http.json("POST", path, json={"of": what, "images": images, "seed": seed})
        with open_progress(progress, "images of the trial") as show:

            def tell(trial: dict[str, Any]) -> bool:
                show(trial["progress"]["done"], trial["progress"]["total"])
                return trial["state"] in _ENDED

            trial = poll(lambda: self._http.json("GET", f"{path}/{begun['id']}"), tell, timeout, begun["id"])
        _assert_completed(trial, f"Trial {begun['id']}")
        return cast("dict[str, Any]", trial)

    def download(self, path: str | Path, on_bytes: Callable[[int], None] | None = None) -> list[Path]:
        """Download the zip of all results; a download that broke off goes on, and its SHA-256 is checked.

        Args:
            path: a file, or a folder; a job with several archives needs a folder.
            on_bytes: told how many bytes of a file are there.

        Returns:
            the files.

        Raises:
            ValueError: if there are several archives, and no folder for them.
            UmbraError: if the service has none, or breaks off five times without a byte more; `integrity` for a file
                that is not as it was made. What is there of it stays, but for the last.
        """
        archives = self._http.json("GET", f"/v1/jobs/{self.id}/archives")["data"]
        target = Path(path)
        if len(archives) > 1 and not target.is_dir():
            raise ValueError(f"Expected a folder for {len(archives)} archives, got '{target}'")
        return [
            download(
                self._http,
                archive["path"],
                target / Path(archive["name"]).name if target.is_dir() else target,
                archive["sha256"],
                on_bytes,
            )
            for archive in archives
        ]

    def to_captum(self, channels: int = 3) -> Iterator[Any]:
        """A tensor [1, C, H, W] for each finished image, as Captum's `Occlusion` gives it (extra `torch`)."""
        for image in self.images():
            yield image.to_captum(channels)

    def to_virelay(self, folder: str | Path, **options: Any) -> Path:
        """Write a ViRelAy project: see `umbra_client.virelay.to_virelay`."""
        from .virelay import to_virelay

        return to_virelay(self, folder, **options)

    def to_fiftyone(self, dataset: Any, **options: Any) -> int:
        """Add heatmaps to samples of FiftyOne: see `umbra_client.fiftyone.to_fiftyone`."""
        from .fiftyone import to_fiftyone

        return to_fiftyone(self, dataset, **options)

    def _wait_for_report(self, path: str, requested_at: str, timeout: float | None, progress: bool) -> None:
        with open_progress(progress, "images of the report") as show:

            def tell(status: dict[str, Any]) -> bool:
                show(status["progress"]["done"], status["progress"]["total"])
                return status["requestedAt"] >= requested_at and status["state"] in _ENDED

            status = poll(lambda: self._http.json("GET", path), tell, timeout, f"the report of {self.id}")
        _assert_completed(status, f"The report of {self.id}")

    def _pages(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self._http.json("GET", path, params={**query, **({} if cursor is None else {"cursor": cursor})})
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


def poll(ask: Callable[[], Any], tell: Callable[[Any], bool], timeout: float | None, what: str) -> Any:
    """Ask until `tell` says that it has ended, ever less often, up to every two seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    wait = _SHORTEST_POLL
    while True:
        answer = ask()
        if tell(answer):
            return answer
        if deadline is not None and time.monotonic() + wait > deadline:
            raise TimeoutError(f"Expected {what} to end within {timeout} s")
        time.sleep(wait)
        wait = min(_LONGEST_POLL, wait * 1.3)


def _assert_completed(record: Mapping[str, Any], what: str) -> None:
    if record["state"] == "completed":
        return
    error = record.get("error") or {}
    raise UmbraError(
        f"{what} ended as {record['state']}: {error.get('message', 'no reason given')}",
        code=error.get("code", "cancelled"),
    )


def _query(where: Sequence[str], sort: str | None) -> list[tuple[str, str]]:
    if isinstance(where, str):
        where = [where]
    return [("where", one) for one in where] + ([] if sort is None else [("sort", sort)])
