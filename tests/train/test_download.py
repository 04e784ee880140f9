"""Downloads with pinned hashes, from a server on the loopback interface."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgeproof.errors import Refused
from train.data import download

BODY = b"what the makers published" * 100
SHA256 = hashlib.sha256(BODY).hexdigest()
FILES = {"a.gz": SHA256}


class Server:
    """Hosts by first part of the path: good, other, absent, cut, garbage. Counts what was asked of each."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(self.path)
                host = self.path.split("/")[1]
                if host == "garbage":
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                    self.close_connection = True
                elif host == "absent":
                    self.send_error(404)
                elif host == "chunks":  # promises more and hangs up
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(b"ffff\r\n" + BODY)
                    self.close_connection = True
                else:
                    body = {"good": BODY, "other": b"x" + BODY[1:], "cut": BODY[:-1]}[host]
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(BODY)))
                    self.end_headers()
                    self.wfile.write(body)
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def hosts(self, *names: str) -> list[str]:
        return [f"{self.address}{name}/" for name in names]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no proxy in the way to the loopback interface."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "edgeproof" / "data"


def stored(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def test_a_file_with_the_right_hash_is_kept_in_the_cache(server: Server, cache: Path) -> None:
    assert download.fetch("digits", FILES, server.hosts("good")) == cache / "digits"
    assert (cache / "digits" / "a.gz").read_bytes() == BODY
    assert stored(cache) == ["digits/a.gz"]


def test_what_is_cached_is_not_asked_for_again(server: Server) -> None:
    for _ in range(3):
        download.fetch("digits", FILES, server.hosts("good"))
    assert server.asked == ["/good/a.gz"]


def test_only_the_missing_file_is_asked_for(server: Server) -> None:
    download.fetch("digits", FILES, server.hosts("good"))
    download.fetch("digits", {**FILES, "b.gz": SHA256}, server.hosts("good"))
    assert server.asked == ["/good/a.gz", "/good/b.gz"]


@pytest.mark.parametrize("damage", [BODY[:-1], b"", BODY + b"x"])
def test_a_cached_file_that_was_damaged_is_fetched_again(server: Server, cache: Path, damage: bytes) -> None:
    (cache / "digits").mkdir(parents=True)
    (cache / "digits" / "a.gz").write_bytes(damage)
    download.fetch("digits", FILES, server.hosts("good"))
    assert (cache / "digits" / "a.gz").read_bytes() == BODY


def test_another_hash_is_refused_and_nothing_is_stored(server: Server, cache: Path) -> None:
    with pytest.raises(Refused, match=f"download: a.gz of digits must come with SHA-256 {SHA256}") as refused:
        download.fetch("digits", FILES, server.hosts("other"))
    assert hashlib.sha256(b"x" + BODY[1:]).hexdigest() in refused.value.received
    assert "--data-dir" in refused.value.fix
    assert stored(cache) == []


def test_another_hash_does_not_replace_what_was_there(server: Server, cache: Path) -> None:
    (cache / "digits").mkdir(parents=True)
    (cache / "digits" / "a.gz").write_bytes(b"older")
    with pytest.raises(Refused):
        download.fetch("digits", FILES, server.hosts("other"))
    assert (cache / "digits" / "a.gz").read_bytes() == b"older"


@pytest.mark.parametrize("first", ["absent", "other", "cut", "chunks", "garbage"])
def test_the_next_host_is_tried_when_one_fails(server: Server, cache: Path, first: str) -> None:
    download.fetch("digits", FILES, server.hosts(first, "good", "other"))
    assert server.asked == [f"/{first}/a.gz", "/good/a.gz"]
    assert (cache / "digits" / "a.gz").read_bytes() == BODY


def test_a_host_that_does_not_answer_is_passed_over(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        download.fetch("digits", FILES, [dead, "no address/", *server.hosts("good")])
    assert server.asked == ["/good/a.gz"]


def test_a_refusal_names_what_each_host_gave(server: Server, cache: Path) -> None:
    hosts = server.hosts("absent", "garbage", "chunks", "cut")
    with pytest.raises(Refused) as refused:
        download.fetch("digits", FILES, hosts)
    assert all(host in refused.value.received for host in hosts)
    assert "404" in refused.value.received
    assert stored(cache) == []


def test_the_cache_is_in_the_home_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.cache() == tmp_path / ".cache" / "edgeproof" / "data"
