"""Faults for the exporter's child processes, which import this at their start when the folder is on their PYTHONPATH.

$EDGEPROOF_SABOTAGE lists "format:precision:fault" with commas between. Faults: "abort" while the artifact is half
written, "hang" there after writing this process's id to $EDGEPROOF_SABOTAGE_NOTE, "die running" in the interpreter.
"""

import dataclasses
import importlib.machinery
import os
import signal
import sys
import time

WISHES = [tuple(wish.split(":")) for wish in os.environ.get("EDGEPROOF_SABOTAGE", "").split(",") if wish]


class Finder(importlib.machinery.PathFinder):
    """Finds the modules of export.formats as usual, and spoils those that are wished for once they are loaded."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        package, _, kind = name.rpartition(".")
        faults = {precision: fault for wish, precision, fault in WISHES if wish == kind}
        if package != "export.formats" or not faults:
            return None
        spec = super().find_spec(name, path, target)
        load = spec.loader.exec_module

        def load_and_spoil(module):
            load(module)
            module.FORMAT = spoilt(module.FORMAT, faults)

        spec.loader.exec_module = load_and_spoil
        return spec


def spoilt(form, faults):
    def convert(source, precision, path):
        fault = faults.get(precision)
        if fault not in ("abort", "hang"):
            return form.convert(source, precision, path)
        print("Fatal: the converter met something unheard of", file=sys.stderr, flush=True)
        path.write_bytes(b"half an artifact")
        if fault == "abort":
            os.abort()
        with open(os.environ["EDGEPROOF_SABOTAGE_NOTE"], "w") as note:
            note.write(str(os.getpid()))
        time.sleep(300)
        raise AssertionError("nobody ended this process")

    def session(path, runtime):
        run = form.session(path, runtime)
        if any(f".{precision}." in path.name for precision, fault in faults.items() if fault == "die running"):
            return lambda batch: os.kill(os.getpid(), signal.SIGSEGV)
        return run

    return dataclasses.replace(form, convert=convert, session=session)


sys.meta_path.insert(0, Finder)
