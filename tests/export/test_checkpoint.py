"""Reading a checkpoint without believing it: every bad file is one refusal, and nothing in it is run."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeproof.contract import VERSION, Contract
from edgeproof.errors import NewerContract, Refused
from export.__main__ import main
from export.checkpoint import find, read
from export.worker import Worker

KERNEL = "model_weights/c1/c1/kernel"  # where Keras 3 keeps the small model's first weights


@pytest.fixture
def copy(small: Any, tmp_path: Path) -> Path:
    return Path(shutil.copy(small.checkpoint, tmp_path / "copy.h5"))


def refusal(path: Path, kind: type[Refused] = Refused) -> Refused:
    with pytest.raises(kind) as refused:
        read(str(path))
    assert type(refused.value) is kind
    assert refused.value.rule.startswith(("checkpoint:", "contract:"))
    assert str(path) in refused.value.received + refused.value.rule
    assert refused.value.fix
    return refused.value


def test_a_good_checkpoint_is_told_in_full(small: Any) -> None:
    import hashlib

    told = read(str(small.checkpoint))
    assert told["sha256"] == hashlib.sha256(small.checkpoint.read_bytes()).hexdigest()
    assert told["parameters"] == (3 * 3 * 6 + 6) + (54 * 40 + 40) + (40 * 3 + 3)
    assert told["keras_version"].startswith("3.")
    assert Contract.from_json(told["contract"]).name == "small"
    assert read(str(small.foreign))["contract"] is None


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (None, "no such file"),
        (b"", "an empty file"),
        (b"PK\x03\x04 a .keras file", "50 4b 03 04"),
        (b"\x89HDF\r\n\x1a\n", "Unable to"),
        (b"x", "begins with 78"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes | None, received: str) -> None:
    path = tmp_path / "model.h5"
    if content is not None:
        path.write_bytes(content)
    assert received in refusal(path).received


def test_a_folder_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"0 in"):
        find(tmp_path)
    (tmp_path / "a.h5").touch()
    assert find(tmp_path) == tmp_path / "a.h5"
    (tmp_path / "b.h5").touch()
    with pytest.raises(Refused, match=r"2 in .*a\.h5, b\.h5"):
        find(tmp_path)
    (tmp_path / f"{tmp_path.name}.h5").touch()
    assert find(tmp_path).stem == tmp_path.name


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, -1])
def test_a_truncated_checkpoint_is_refused(copy: Path, share: float) -> None:
    whole = copy.read_bytes()
    copy.write_bytes(whole[: int(share) if share < 0 else int(share * len(whole))])
    assert "truncated" in refusal(copy).received


def test_weights_alone_are_refused_with_the_way_to_save_the_rest(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["layer_names"] = ["c1"]
    told = refusal(copy)
    assert "weights only" in told.received
    assert "model.save(" in told.fix


@pytest.mark.parametrize("config", ["{", "[]", "7", '"Functional"', "[" * 100_000, np.arange(3), b"\xff\xfe{"])
def test_an_architecture_that_is_none_is_refused(copy: Path, config: Any) -> None:
    with h5py.File(copy, "r+", libver="latest") as file:
        file.attrs["model_config"] = config
    refusal(copy)


@pytest.mark.parametrize(("value", "count"), [(np.nan, 1), (np.inf, 3), (-np.inf, 54)])
def test_weights_that_are_not_finite_are_named_and_counted(copy: Path, value: float, count: int) -> None:
    with h5py.File(copy, "r+") as file:
        weights = file[KERNEL][()]
        weights.ravel()[:count] = value
        file[KERNEL][...] = weights
    received = refusal(copy).received
    assert "c1/c1/kernel" in received
    assert f"holds {count} that are NaN or infinite, of 54" in received


def test_a_newer_contract_is_told_from_a_broken_one(copy: Path) -> None:
    def store(text: Any) -> None:
        with h5py.File(copy, "r+") as file:
            file.attrs[Contract.KEY] = text

    with h5py.File(copy) as file:
        contract = json.loads(file.attrs[Contract.KEY])
    store(json.dumps({**contract, "version": VERSION + 1, "something new": 1}))
    assert f"version {VERSION + 1}" in refusal(copy, NewerContract).received
    wrong = [json.dumps({**contract, **change}) for change in ({"version": 0}, {"graphs": 3})]
    for broken in ("{", "null", *wrong, np.eye(2)):
        store(broken)
        refusal(copy)


# --- code ---


@pytest.mark.parametrize("where", ["layer", "time distributed", "submodel", "named function"])
def test_a_lambda_layer_is_refused_by_its_name_wherever_it_hides(worker: Worker, tmp_path: Path, where: str) -> None:
    path = tmp_path / "model.h5"
    worker.call("children:save_lambda", path=str(path), where=where)
    told = refusal(path)
    assert 'Lambda layer "hidden_code"' in told.received
    assert "bytecode" in told.rule


def test_a_lambda_layer_hidden_in_unknown_places_is_found(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layer = config["config"]["layers"][-1]
        layer["config"]["anything"] = [[{"deeper": {"class_name": "Lambda", "config": {"name": "hidden_code"}}}]]
        file.attrs["model_config"] = json.dumps(config)
    assert "hidden_code" in refusal(copy).received


def test_nothing_of_a_lambda_layer_is_ever_run(worker: Worker, tmp_path: Path, capfd: Any) -> None:
    path, marker = tmp_path / "trap.h5", tmp_path / "it ran"
    worker.call("children:save_trapped_lambda", path=str(path), marker=str(marker))
    refusal(path)
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    assert "Lambda layer" in capfd.readouterr().err
    # Even past the reader, which looks at text only, Keras is asked to be careful.
    with pytest.raises(Refused, match="rebuild the model"):
        worker.call("export.tasks:describe", checkpoint=str(path))
    assert not marker.exists()
    assert not (tmp_path / "out").exists()
    # The trap is a live one: whoever loads the file without care runs it.
    worker.call("children:load_unsafely", path=str(path))
    assert marker.exists()


# --- what reaches out of the file ---


def put(group: h5py.Group, name: str, how: str, elsewhere: Path) -> None:
    """Put a dataset at `name` whose data lie somewhere else."""
    shape = group[name].shape
    del group[name]
    if how == "soft link":
        group[name] = h5py.SoftLink("/model_weights/logits/logits/kernel")
    elif how == "dangling soft link":
        group[name] = h5py.SoftLink("/nowhere")
    elif how == "external link":
        group[name] = h5py.ExternalLink(str(elsewhere), "/data")
    elif how == "external storage":
        group.create_dataset(name, shape, "f4", external=[(str(elsewhere.with_suffix(".raw")), 0, 4096)])
    elif how == "virtual":
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource(str(elsewhere), "data", shape)
        group.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("name", ["c1/c1/kernel", "c1/c1", "c1"])
@pytest.mark.parametrize("how", ["soft link", "dangling soft link", "external link", "external storage", "virtual"])
def test_data_that_lie_elsewhere_are_refused_at_any_depth(copy: Path, tmp_path: Path, name: str, how: str) -> None:
    elsewhere = tmp_path / "elsewhere.h5"
    with h5py.File(elsewhere, "w") as file:
        file["data"] = np.ones((3, 3, 1, 6), np.float32)
    elsewhere.with_suffix(".raw").write_bytes(bytes(4096))
    with h5py.File(copy, "r+") as file:
        if name != "c1/c1/kernel":
            del file["model_weights"][name]
            file["model_weights"][name] = np.ones((3, 3, 1, 6), np.float32)
        put(file["model_weights"], name, how, elsewhere)
    told = refusal(copy)
    assert "must hold its data itself" in told.rule
    assert name in told.received


def test_circles_of_hard_links_end(copy: Path) -> None:
    before = read(str(copy))["parameters"]
    with h5py.File(copy, "r+") as file:
        file["model_weights/c1/back"] = file["/"]
        file["model_weights/c1/c1/back"] = file["model_weights"]
    assert read(str(copy))["parameters"] == before


def test_a_dataset_far_larger_than_its_file_is_refused_before_memory_is_taken(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file.create_dataset("model_weights/c1/c1/huge", (1 << 44,), "f4", chunks=(1 << 20,), compression="gzip")
    assert "70,368,744,177,664 bytes" in refusal(copy).received


def test_groups_that_nest_without_end_are_refused_at_once(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        node = file
        for _ in range(3000):
            node = node.create_group("n")
    begun = time.monotonic()
    assert "100 deep" in refusal(copy).rule
    assert time.monotonic() - begun < 5


def test_a_name_that_is_no_word_is_no_crash(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1] = {"class_name": "Lambda", "config": {"name": [["unhashable"]]}}
        file.attrs["model_config"] = json.dumps(config)
    assert "Lambda" in refusal(copy).received


def test_groups_that_nest_as_models_do_are_read(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file["model_weights"].create_group("/".join("n" * 60))
    assert read(str(copy))["parameters"]


def test_a_large_array_that_unpacks_from_almost_nothing_is_refused(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        group = file["model_weights/c1/c1"]
        group.create_dataset("huge", data=np.zeros(1 << 25, "f4"), chunks=True, compression="gzip")
    assert "134,217,728 bytes" in refusal(copy).received


def test_a_large_array_is_checked_to_its_end(copy: Path) -> None:
    values = np.random.default_rng(0).random((3, (1 << 26) // 8), np.float32)
    values[2, -1] = np.nan
    with h5py.File(copy, "r+") as file:
        file["model_weights/c1/c1"].create_dataset("large", data=values)
    assert "1 that are NaN or infinite" in refusal(copy).received


@pytest.mark.parametrize("key", ["module", "registered_name"])
@pytest.mark.parametrize("value", [["keras.layers"], {"a": 1}, 7])
def test_a_class_that_is_no_word_is_refused(copy: Path, worker: Worker, key: str, value: Any) -> None:
    with h5py.File(copy, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][2][key] = value
        file.attrs["model_config"] = json.dumps(config)
    read(str(copy))
    with pytest.raises(Refused, match="the parts that Keras writes"):
        worker.call("export.tasks:describe", checkpoint=str(copy))


# --- damage: thousands of files are in fuzz/ ---


def test_a_reader_that_dies_is_one_message_and_status_2(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    # As if HDF5's library had met a file that it can't take.
    (tmp_path / "sitecustomize.py").write_text("import h5py, os\nh5py.File = lambda *_: os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main([str(copy), "--out", str(tmp_path / "out")]) == 2
    told = capfd.readouterr().err
    assert "checkpoint: the model must be whole HDF5" in told
    assert "SIGABRT" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "not HDF5", "NaN"])
def test_the_command_refuses_with_status_2_and_writes_nothing(
    copy: Path, tmp_path: Path, capfd: Any, damage: str
) -> None:
    spoil: dict[str, Callable[[], object]] = {
        "missing": copy.unlink,
        "empty": lambda: copy.write_bytes(b""),
        "truncated": lambda: copy.write_bytes(copy.read_bytes()[:5000]),
        "not HDF5": lambda: copy.write_bytes(b"no HDF5 at all"),
        "NaN": lambda: h5py.File(copy, "r+")[KERNEL].write_direct(np.full((3, 3, 1, 6), np.nan, np.float32)),
    }
    spoil[damage]()
    assert main([str(copy), "--out", str(tmp_path / "out")]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(":")[0].strip() for line in lines[-3:]] == ["export", "received", "fix"]
    assert not (tmp_path / "out").exists()
