"""Functions that a worker's child calls to its own harm; the child finds this module on its PYTHONPATH."""

import os
import signal
import sys
import threading
import time

from edgeproof.errors import NewerContract, Refused, Unwritable


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
