import zipfile

import pytest

from umbra_client import UmbraError
from umbra_client._download import download


def test_an_archive_is_downloaded_and_goes_on(job, tmp_path):
    (path,) = job.download(tmp_path / "results.zip")
    assert sorted(tmp_path.iterdir()) == [path]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    whole = path.read_bytes()
    assert job.download(tmp_path)[0].read_bytes() == whole

    archive = job._http.json("GET", f"/v1/jobs/{job.id}/archives")["data"][0]
    with job._http.stream(archive["path"]) as response:
        etag = response.headers["etag"]
    half = len(whole) // 2
    # As a process leaves it that ends in the middle.
    (tmp_path / "again.zip.part").write_bytes(whole[:half])
    (tmp_path / "again.zip.etag").write_text(etag)
    seen = []
    (again,) = job.download(tmp_path / "again.zip", on_bytes=seen.append)
    assert again.read_bytes() == whole
    assert seen[0] > half


def test_another_version_begins_anew(job, tmp_path):
    (tmp_path / "new.zip.part").write_bytes(b"of something else")
    (tmp_path / "new.zip.etag").write_text('"another"')
    (path,) = job.download(tmp_path / "new.zip")
    assert zipfile.ZipFile(path).testzip() is None


def test_what_was_damaged_is_refused_and_forgotten(job, tmp_path):
    (path,) = job.download(tmp_path / "results.zip")
    archive = job._http.json("GET", f"/v1/jobs/{job.id}/archives")["data"][0]
    with job._http.stream(archive["path"]) as response:
        etag = response.headers["etag"]
    (tmp_path / "bad.zip.part").write_bytes(b"x" * 100)
    (tmp_path / "bad.zip.etag").write_text(etag)
    with pytest.raises(UmbraError, match="SHA-256") as error:
        job.download(tmp_path / "bad.zip")
    assert error.value.code == "integrity"
    assert sorted(tmp_path.iterdir()) == [path]
    # More than there is.
    (tmp_path / "more.zip.part").write_bytes(path.read_bytes() + b"x")
    (tmp_path / "more.zip.etag").write_text(etag)
    assert job.download(tmp_path / "more.zip")[0].read_bytes() == path.read_bytes()


def test_breaks_are_gone_on_after(tmp_path, monkeypatch):
    import httpx

    from umbra_client._http import Http

    monkeypatch.setattr("umbra_client._http._FIRST_PAUSE", 0.001)
    content = bytes(range(256)) * 40
    asked = []

    class Breaking(httpx.SyncByteStream):
        def __init__(self, start):
            self.start = start

        def __iter__(self):
            yield content[self.start : self.start + 1000]
            if self.start + 1000 < len(content):
                raise httpx.ReadError("broken")

    def answer(request):
        asked.append(request.headers.get("range"))
        start = int((asked[-1] or "bytes=0-")[6:-1])
        return httpx.Response(206 if start else 200, headers={"etag": '"1"'}, stream=Breaking(start))

    http = Http("http://service", None, 1, 0)
    http._client = httpx.Client(base_url=http.url, transport=httpx.MockTransport(answer))
    assert download(http, "/file", tmp_path / "file").read_bytes() == content
    assert asked[:3] == [None, "bytes=1000-", "bytes=2000-"]


def test_breaks_without_a_tag_end(tmp_path, monkeypatch):
    import httpx

    from umbra_client._http import Http

    monkeypatch.setattr("umbra_client._http._FIRST_PAUSE", 0.001)

    class Breaking(httpx.SyncByteStream):
        def __iter__(self):
            yield b"x" * 1000
            raise httpx.ReadError("broken")

    asked = []

    def answer(request):
        asked.append(request.headers["accept-encoding"])
        return httpx.Response(200, stream=Breaking())

    http = Http("http://service", None, 1, 0)
    http._client = httpx.Client(base_url=http.url, transport=httpx.MockTransport(answer))
    with pytest.raises(UmbraError, match="got 1000 bytes") as error:
        download(http, "/file", tmp_path / "file")
    assert error.value.code == "unavailable"
    assert asked == ["identity"] * 6
