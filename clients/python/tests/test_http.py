import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import httpx
import pytest

import umbra_client
from umbra_client import Client, Photo, UmbraError
from umbra_client._http import Http, lines_of
from umbra_client._upload import deleted_if_refused, upload


def is_error(one):
    return isinstance(one, type) and issubclass(one, Exception)


def raises(error):
    raise error


@pytest.fixture
def waited(monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def service(*answers, retries=3):
    """A service that answers these in turn, and what it was asked."""
    left, asked = list(answers), []

    def answer(request):
        asked.append(request)
        request.read()
        one = left.pop(0)
        if isinstance(one, BaseException):
            raise one
        return one

    http = Http("http://service", "key", 1, retries)
    http._client = httpx.Client(base_url=http.url, transport=httpx.MockTransport(answer))
    return http, asked


def test_what_may_pass_is_asked_again(waited):
    busy = httpx.Response(503, headers={"Retry-After": "7"})
    http, asked = service(busy, httpx.ConnectError("no"), httpx.Response(502), httpx.Response(200, json={"a": 1}))
    assert http.json("GET", "/v1/models") == {"a": 1}
    assert len(asked) == 4
    assert waited[0] == 7
    assert 0.3 < waited[1] < 0.7 < waited[2] < 1.3


def test_retries_and_waits_are_bounded(waited):
    http, asked = service(*[httpx.Response(429, headers={"Retry-After": "100000"}) for _ in range(4)])
    with pytest.raises(UmbraError) as error:
        http.request("GET", "/v1/models")
    assert (error.value.status, error.value.retry_after, len(asked)) == (429, 100_000, 4)
    assert waited == [30, 30, 30]


def test_what_changes_something_is_sent_once(waited):
    http, asked = service(httpx.ReadError("broken"))
    with pytest.raises(UmbraError, match="broken"):
        http.request("POST", "/v1/jobs/x/trials", json={})
    assert (len(asked), waited) == (1, [])


def test_a_refusal_is_not_asked_again(waited):
    problem = {"detail": "Expected a job", "code": "not_found", "errors": [{"path": "job", "message": "is none"}]}
    http, asked = service(httpx.Response(404, json=problem))
    with pytest.raises(UmbraError, match=r"Expected a job \(job: is none\) \[not_found\]"):
        http.request("GET", "/v1/jobs/x")
    assert (len(asked), waited) == (1, [])


def test_files_of_a_form_are_opened_anew(waited, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    opened = []

    def open_form(stack):
        opened.append(stack.enter_context(open(path, "rb")))
        return [("images", ("file", opened[-1], "application/octet-stream"))]

    http, asked = service(httpx.Response(503), httpx.Response(200, json={}))
    http.request("POST", "/v1/datasets", open_form=open_form, again=True)
    assert all(b"content" in request.content for request in asked)
    assert len(opened) == 2
    assert all(file.closed for file in opened)


def test_something_between_may_write_no_problem():
    strange = httpx.Response(422, json={"errors": ["x"]})
    http, _ = service(httpx.Response(500, text="<html>"), httpx.Response(400, json=["x"]), strange)
    for status in (500, 400, 422):
        with pytest.raises(UmbraError, match=f"HTTP {status}"):
            http.request("GET", "/")


def test_what_is_no_json_is_told():
    http, _ = service(httpx.Response(200, html="<html>"))
    with pytest.raises(UmbraError, match=r"Expected JSON of GET /v1/models, got text/html.*service of Umbra"):
        http.json("GET", "/v1/models")


def test_an_answer_that_breaks_off_is_told():
    class Breaking(httpx.SyncByteStream):
        def __iter__(self):
            yield b"1\n2"
            raise httpx.ReadError("broken")

    http, _ = service(httpx.Response(200, stream=Breaking()))
    with http.stream("/rows") as response:
        lines = lines_of(response)
        assert next(lines) == "1"
        with pytest.raises(UmbraError, match="/rows") as error:
            next(lines)
    assert error.value.code == "unavailable"


def test_no_error_shows_a_secret(waited):
    for url, key in (
        ("umbra_secret", None),
        ("http://service", "umbra_secret\u00e4"),
        ("http://service", "umbra\nsecret"),
    ):
        with pytest.raises(ValueError, match="Expected") as error:
            Client(url, key)
        assert "secret" not in str(error.value)
    with Client("http://service", " umbra_secret\n") as one:
        assert one.http._client.headers["authorization"] == "Bearer umbra_secret"
        assert "secret" not in repr(one) + repr(one.http)
    http = Http("http://user:secret@127.0.0.1:9", None, 1, 0)
    with pytest.raises(UmbraError) as error:
        http.request("GET", "/v1/models")
    assert "secret" not in str(error.value)
    assert "127.0.0.1:9" in str(error.value)


@pytest.mark.parametrize("kind", [one for one in vars(umbra_client).values() if is_error(one)])
def test_errors_are_the_same_in_another_process(kind):
    problem = {"code": "not_found", "errors": [{"path": "job", "message": "is none"}]}
    error = kind("Expected a job", code="not_found", status=404, problem=problem, retry_after=2.0)
    error.__cause__ = ValueError("here")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is kind
        assert (str(again), repr(again), vars(again)) == (str(error), repr(error), vars(error))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, pytest.raises(kind, match=r"job: is none") as raised:
        pool.submit(raises, error).result(timeout=60)
    assert raised.value.retry_after == 2.0


def test_a_data_set_that_nobody_reads_is_given_up_and_kept(monkeypatch):
    clock = iter(range(0, 100_000, 100))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr("time.sleep", lambda _: None)
    record = {"id": "ds_1", "state": "validating", "images": 1, "bytes": 9, "refused": 0}
    asked = []

    def answer(request):
        asked.append((request.method, request.url.path))
        request.read()
        # It moves on once.
        return httpx.Response(200, json={**record, "images": 1 if len(asked) < 8 else 2, "refusals": []})

    with Client("http://service") as client:
        client.http._client = httpx.Client(base_url=client.http.url, transport=httpx.MockTransport(answer))
        with pytest.raises(UmbraError, match=r"ds_1 to be read, got no more of it in 600 s") as error:
            client.submit([b"photo"], "tiny")
    assert error.value.code == "unavailable"
    assert "data set ds_1 is kept: once it is ready, submit_dataset('ds_1', ...) explains it" in str(error.value)
    assert {method for method, _ in asked[3:]} == {"GET"}
    assert len(asked) > 10


def waits(state, **more):
    """An answer with a data set that has one image."""
    return httpx.Response(200, json={"id": "ds_1", "state": state, "images": 1, "bytes": 3, "refused": 0, **more})


def sent(*answers):
    """A service that takes one image, closes its data set, and answers then with these."""
    taken = httpx.Response(200, json={"refusals": []})
    return service(waits("open"), taken, waits("validating"), *answers, retries=0)


def test_what_is_sent_stays_after_an_interrupt(waited):
    http, asked = sent(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt, match="data set ds_1 is kept"):
        upload(http, [Photo(b"abc")], None, lambda _: None)
    assert [one.method for one in asked] == ["POST"] * 3 + ["GET"]


def test_what_is_sent_is_deleted_where_it_is_refused_or_not_whole(waited):
    error = {"code": "invalid_input", "message": "Expected an image"}
    http, asked = sent(waits("failed", error=error), httpx.Response(204))
    with pytest.raises(UmbraError, match="Expected an image"):
        upload(http, [Photo(b"abc")], None, lambda _: None)
    assert (asked[-1].method, asked[-1].url.path) == ("DELETE", "/v1/datasets/ds_1")
    http, asked = service(waits("open"), KeyboardInterrupt(), httpx.Response(204), retries=0)
    with pytest.raises(KeyboardInterrupt):
        upload(http, [Photo(b"abc")], None, lambda _: None)
    assert (asked[-1].method, asked[-1].url.path) == ("DELETE", "/v1/datasets/ds_1")


@pytest.mark.parametrize(("status", "is_kept"), [(503, True), (429, True), (404, False), (400, False)])
def test_a_data_set_stays_where_its_job_may_be_made_later(status, is_kept):
    http, asked = service(httpx.Response(204))
    with pytest.raises(UmbraError) as error, deleted_if_refused(http, "ds_1"):
        raise UmbraError("No", code="any", status=status)
    assert ("submit_dataset('ds_1', ...)" in str(error.value), asked == []) == (is_kept, is_kept)
