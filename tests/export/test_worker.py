"""The worker: whatever a child does, the parent gets an answer or a reason, and the next call works."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.errors import NewerContract, Refused, Unwritable
from export import formats
from export import worker as workers
from export.limits import Limits, machine_memory
from export.worker import Crashed, Worker

ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parents[2], Path(__file__).parent)))}
LOG_LIMIT = 10_000  # characters: what a person reads in a report


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(environment=ENVIRONMENT) as worker:
        yield worker


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("function", "arguments", "reason", "quoted"),
    [
        ("abort", {}, "died of SIGABRT", "about to abort"),
        ("leave", {"status": 3}, "ended with status 3", "leaving with 3"),
        ("leave", {"status": 0}, "ended with status 0", "leaving with 0"),
        ("exit_politely", {"status": 5}, "ended with status 5", ""),
        ("killed", {}, "was killed", ""),
        ("not_json", {}, "ended with status 1", "not JSON serializable"),
    ],
)
def test_a_child_that_dies_is_told_and_replaced(
    worker: Worker, function: str, arguments: dict[str, int], reason: str, quoted: str
) -> None:
    before = worker.call("crashers:pid")
    with pytest.raises(Crashed, match=reason) as crash:
        worker.call(f"crashers:{function}", **arguments)
    assert quoted in crash.value.log
    assert "\n" not in crash.value.reason
    assert worker.call("crashers:echo", value=[1, "two"]) == [1, "two"]
    assert worker.call("crashers:pid") != before
    assert not alive(before), "the dead child was not waited for"


def test_an_exception_is_told_with_its_traceback_and_the_child_lives_on(worker: Worker) -> None:
    before = worker.call("crashers:pid")
    with pytest.raises(Crashed) as crash:
        worker.call("crashers:fail", message="no such operator\nand more of it")
    assert crash.value.reason == "LookupError: no such operator"
    assert "crashers.py" in crash.value.log
    assert "and more of it" in crash.value.log
    assert "about to fail" in crash.value.log
    assert worker.call("crashers:pid") == before


def test_an_error_that_keras_wraps_is_told_with_what_it_wraps(worker: Worker) -> None:
    said = "Exception encountered when calling Trap.call().\n\n\x1b[1mno such axis\x1b[0m\n\nArguments received by Trap"
    with pytest.raises(Crashed) as crash:
        worker.call("crashers:fail", message=said)
    assert crash.value.reason == "LookupError: Exception encountered when calling Trap.call(). no such axis"


@pytest.mark.parametrize("function", ["crashers:nothing_of_that_name", "no_module_of_that_name:f", "crashers"])
def test_a_function_that_is_not_there_is_a_crash_not_a_hang(worker: Worker, function: str) -> None:
    with pytest.raises(Crashed, match="Error"):
        worker.call(function)


def test_a_child_that_hangs_is_ended_after_the_timeout() -> None:
    with Worker(environment=ENVIRONMENT) as worker:
        before = worker.call("crashers:pid")
        worker._timeout = 1  # only now: how long a child takes to start is not the question
        with pytest.raises(Crashed, match="over 1 s") as crash:
            worker.call("crashers:hang")
        assert crash.value.log == "hanging"
        assert not alive(before)
        worker._timeout = 900
        assert worker.call("crashers:echo", value=1) == 1


def test_what_libraries_print_never_becomes_an_answer(worker: Worker) -> None:
    # Far over what a pipe holds, so that a parent which does not drain it would wait for ever.
    assert worker.call("crashers:shout", size=8 << 20) == "heard"
    assert worker.call("crashers:echo", value="next") == "next"


def test_a_crash_quotes_the_end_of_what_was_printed_and_no_more(worker: Worker) -> None:
    with pytest.raises(Crashed) as crash:
        worker.call("crashers:shout_and_abort", size=8 << 20)
    assert crash.value.log.endswith("the last words")
    assert len(crash.value.log) < LOG_LIMIT
    with pytest.raises(Crashed) as crash:
        worker.call("crashers:many_lines", count=1000)
    assert crash.value.log.splitlines() == [f"line {i}" for i in range(988, 1000)]


def test_a_crash_quotes_nothing_of_earlier_calls(worker: Worker) -> None:
    with pytest.raises(Crashed):
        worker.call("crashers:abort")
    with pytest.raises(Crashed) as crash:
        worker.call("crashers:killed")
    assert "about to abort" not in crash.value.log


@pytest.mark.parametrize("kind", [Refused, Unwritable, NewerContract])
def test_a_refusal_passes_through_whole(worker: Worker, kind: type[Refused]) -> None:
    before = worker.call("crashers:pid")
    with pytest.raises(Refused) as refusal:
        worker.call("crashers:refuse", kind=kind.__name__)
    assert type(refusal.value) is kind
    told = refusal.value
    assert (told.rule, told.received, told.fix) == ("the rule: ü\n", 'what "came"', "the fix")
    assert worker.call("crashers:pid") == before


def test_a_child_that_died_between_calls_is_replaced_without_blame(worker: Worker) -> None:
    before = worker.call("crashers:pid")
    assert worker.call("crashers:die_later", seconds=0.05) == "well"
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert worker.call("crashers:echo", value="again") == "again"


def test_a_child_that_dies_as_it_is_called_is_told_and_replaced(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = worker.call("crashers:pid")
    os.kill(child, signal.SIGTERM)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert worker._child is not None
    monkeypatch.setattr(worker._child, "poll", lambda: None)  # it still lived when it was asked
    with pytest.raises(Crashed, match="SIGTERM"):
        worker.call("crashers:echo", value="never read")
    assert worker.call("crashers:echo", value="read") == "read"


def test_arguments_and_answers_larger_than_a_pipe_pass(worker: Worker) -> None:
    text = "ä" * (1 << 20)
    assert worker.call("crashers:echo", value=text) == text


def test_the_child_has_a_fixed_hash_seed_and_finds_the_checkout(worker: Worker) -> None:
    assert worker.call("crashers:environment", name="PYTHONHASHSEED") == "0"
    with Worker() as plain:
        assert plain.call("export.formats:names") == formats.names()


def test_closing_ends_the_child_and_may_be_done_twice() -> None:
    worker = Worker(environment=ENVIRONMENT)
    child = worker.call("crashers:pid")
    worker.close()
    assert not alive(child)
    worker.close()


# --- limits ---


def test_a_child_over_its_memory_is_ended_with_the_reason() -> None:
    with Worker(environment=ENVIRONMENT, limits=Limits(bytes=300 << 20)) as worker:
        assert worker.call("crashers:allocate", size=100 << 20, seconds=0.5) > 0
        child = worker.call("crashers:pid")
        with pytest.raises(Crashed, match=r"used more than 0\.293 GB of memory") as crash:
            worker.call("crashers:allocate", size=2 << 30)
        assert crash.value.kind == "memory"
        assert not alive(child)
        assert worker.call("crashers:echo", value=1) == 1


def test_the_memory_of_what_a_child_starts_counts_too() -> None:
    with (
        Worker(environment=ENVIRONMENT, limits=Limits(bytes=400 << 20)) as worker,
        pytest.raises(Crashed, match="used more than"),
    ):
        worker.call("crashers:allocate_in_children", count=4, size=150 << 20)


def test_what_is_asked_for_at_once_is_refused_by_the_kernel_before_it_is_taken() -> None:
    with Worker(environment=ENVIRONMENT, limits=Limits(bytes=300 << 20)) as worker:
        with pytest.raises(Crashed, match="MemoryError: no more memory"):
            worker.call("crashers:ask_at_once", size=1 << 30)
        assert worker.call("crashers:ask_at_once", size=1 << 20) == 1 << 20


@pytest.mark.parametrize("how", ["hang", "die", "close"])
def test_nothing_that_a_child_started_survives_it(tmp_path: Path, how: str) -> None:
    note = tmp_path / "pid"
    with Worker(environment=ENVIRONMENT) as worker:
        assert worker.call("crashers:echo", value=1) == 1
        if how == "hang":
            worker._timeout = 2
        arguments = {"note": str(note), "how": how}
        if how == "close":
            assert worker.call("crashers:leave_children", **arguments) == "well"
            worker.close()
        else:
            with pytest.raises(Crashed):
                worker.call("crashers:leave_children", **arguments)
    left = int(note.read_text())
    for _ in range(100):  # it may be a moment before whoever adopted it has looked
        if not alive(left) or "Z" in Path(f"/proc/{left}/stat").read_text().rpartition(")")[2].split()[:1]:
            return
        time.sleep(0.02)
    os.kill(left, signal.SIGKILL)
    pytest.fail("a process that the child had started lived on")


def test_a_child_that_takes_no_request_is_ended_after_the_timeout() -> None:
    with Worker(environment=ENVIRONMENT) as worker:
        assert worker.call("crashers:stop_reading") == "well"
        time.sleep(0.3)
        worker._timeout = 1
        with pytest.raises(Crashed, match="over 1 s"):
            worker.call("crashers:echo", value="x" * (4 << 20))


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_LARGEST_ANSWER", 1 << 20)
    with Worker(environment=ENVIRONMENT) as worker:
        with pytest.raises(Crashed, match="answered more than"):
            worker.call("crashers:flood", size=8 << 20)
        assert worker.call("crashers:echo", value=1) == 1


def test_an_endless_log_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_LARGEST_LOG", 1 << 20)
    with Worker(environment=ENVIRONMENT) as worker, pytest.raises(Crashed, match="printed more than"):
        worker.call("crashers:shout_and_wait", size=8 << 20)


def test_the_default_is_a_share_of_the_smallest_memory_that_is_told(tmp_path: Path) -> None:
    assert 0 < Limits().memory < machine_memory()
    assert Limits(bytes=5).memory == 5
    for name, text in (("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 7 kB\n"), ("sys/fs/cgroup/memory.max", "max\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine_memory(tmp_path) == 1000 << 10
    machine_memory.cache_clear()
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("4096\n")
    assert machine_memory(tmp_path) == 4096
    assert machine_memory(tmp_path / "nowhere") == 0


def test_what_a_child_leaves_in_its_temporary_folder_goes_with_it(tmp_path: Path) -> None:
    with Worker(environment=ENVIRONMENT | {"TMPDIR": str(tmp_path)}) as worker:
        left = Path(worker.call("tempfile:mkdtemp"))
        assert left.is_dir()
        assert tmp_path in left.parents
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to read what a process holds")
def test_what_a_large_call_leaves_behind_is_gone_before_the_next() -> None:
    """Graphs of TensorFlow refer to themselves, and each holds a copy of the weights."""
    with Worker(environment=ENVIRONMENT) as worker:
        worker.call("crashers:swept_from", size=200 << 20)
        worker.call("crashers:litter", size=400 << 20)
        assert worker.call("crashers:resident") < 200 << 20
