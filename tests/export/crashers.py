"""Functions that a worker's child calls to its own harm; the child finds this module on its PYTHONPATH."""

import os
import signal
import subprocess
import sys
import threading
import time

from edgeproof.errors import NewerContract, Refused, Unwritable
from export import memory


def echo(value):
    return value


def pid():
    return os.getpid()


def environment(name):
    return os.environ.get(name)


def abort():
    print("about to abort", file=sys.stderr, flush=True)
    os.abort()


def leave(status):
    print(f"leaving with {status}", flush=True)
    os._exit(status)


def exit_politely(status):
    sys.exit(status)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def litter(size):
    """Leave behind `size` bytes that only a search for cycles finds."""
    block = [bytearray(b"x") * (1 << 20) for _ in range(size >> 20)]
    block.append(block)


def swept_from(size):
    """Sweep from so many bytes on."""
    memory._SWEPT = size


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hang():
    print("hanging", flush=True)
    time.sleep(600)


def fail(message):
    print("about to fail", flush=True)
    raise LookupError(message)


def die_later(seconds):
    """Answer well, then die while nobody asks anything."""
    threading.Timer(seconds, lambda: os._exit(9)).start()
    return "well"


def shout(size):
    """Write on every way out that a library may take: Python's streams and the descriptors under them."""
    print('{"value": "a line that looks like an answer"}', flush=True)
    for descriptor in (1, 2):
        left = size
        while left:
            left -= os.write(descriptor, b"x" * min(left, 1 << 20))
    os.write(1, b"\nan unfinished line")
    sys.stdout.write("another one")
    return "heard"


def shout_and_abort(size):
    shout(size)
    print("\nthe last words", flush=True)
    os.abort()


def many_lines(count):
    for i in range(count):
        print(f"line {i}")
    sys.stdout.flush()
    os.abort()


def not_json():
    return {1, 2, 3}


def refuse(kind):
    classes = {"Refused": Refused, "Unwritable": Unwritable, "NewerContract": NewerContract}
    raise classes[kind]("the rule: ü\n", received='what "came"', fix="the fix")


def allocate(size, seconds=30):
    """Take memory, page by page, and keep it."""
    kept = []
    for _ in range(size >> 24):
        kept.append(bytearray(b"1") * (1 << 24))
        time.sleep(0.02)  # so slowly that the parent looks before the kernel's own limit, twice as far, is reached
    time.sleep(seconds)
    return len(kept)


def ask_at_once(size):
    """Ask for memory in one piece, and touch none of it."""
    return len(bytearray(size))


def _children(count, code):
    return [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]


def allocate_in_children(count, size):
    """Take memory in processes of its own, each of which takes less than is allowed."""
    _children(count, f"import time; kept = bytearray(b'1') * {size}; time.sleep(60)")
    time.sleep(60)


def leave_children(note, how):
    """Start a process that outlives its parents, in a session of its own, and then hang, die, raise or answer."""
    code = f"import os, time; os.setsid(); open({note!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    middle = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {code!r}])"
    subprocess.run([sys.executable, "-c", middle])
    while not (os.path.isfile(note) and os.path.getsize(note)):
        time.sleep(0.01)
    if how == "hang":
        time.sleep(600)
    if how == "die":
        os.abort()
    if how == "raise":
        raise LookupError("raised")
    return "well"


def flood(size):
    """Answer with more than any answer has."""
    return "x" * size


def stop_reading():
    """Answer, and then take no more requests."""
    threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()
    return "well"


def shout_and_wait(size):
    """Print without end, as a library in a loop does."""
    shout(size)
    time.sleep(60)
