"""Damage to HDF5 by its own library: links, cycles, data elsewhere, shapes that announce what is not there."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from . import trees


def change(data: bytes, outside: str, rng: random.Random) -> bytes:
    """`data` with one or two objects changed; `outside` is a file that must stay unread and unwritten."""
    store = io.BytesIO(data)
    with h5py.File(store, "r+", libver="latest") as file:
        for _ in range(rng.choice((1, 1, 2))):
            _once(file, outside, rng)
    return store.getvalue()


def architecture(data: bytes, bait: trees.Bait, rng: random.Random) -> bytes:
    """`data` with another architecture inside."""
    return edited(data, lambda config: trees.change(config, bait, rng))


def contract(data: bytes, bait: trees.Bait, rng: random.Random) -> bytes:
    """`data` with another contract inside."""
    return edited(data, lambda config: trees.change(config, bait, rng), "edgeproof.contract")


def edited(data: bytes, edit: Callable[[Any], Any], key: str = "model_config") -> bytes:
    """`data` with the JSON of an attribute changed."""
    store = io.BytesIO(data)
    with h5py.File(store, "r+", libver="latest") as file:
        file.attrs[key] = json.dumps(edit(json.loads(file.attrs[key]))).encode("utf-8", "replace")
    return store.getvalue()


def _once(file: Any, outside: str, rng: random.Random) -> None:
    groups, sets = [file], []
    file.visititems(lambda _, item: (groups if isinstance(item, h5py.Group) else sets).append(item))
    group, name = rng.choice(groups), f"n{rng.randrange(1 << 30)}"
    item = rng.choice(sets) if sets else None
    match rng.randrange(17):
        case 0:
            group[name] = h5py.ExternalLink(outside, "/")
        case 1:
            group[name] = h5py.SoftLink(rng.choice(("/", "/nowhere", ".", f"/{name}", "/model_weights")))
        case 2:
            group[name] = rng.choice(groups)  # a circle of hard links
        case 3:
            layout = h5py.VirtualLayout((4,), "f4")
            layout[:] = h5py.VirtualSource(outside, "x", (4,))
            group.create_virtual_dataset(name, layout)
        case 4:
            group.create_dataset(name, (16,), "u1", external=[(outside, 0, 16)])
        case 5:
            group.create_dataset(name, (1 << rng.choice((30, 44, 60)),), "f4", chunks=(1 << 20,), compression="gzip")
        case 6:
            group.create_dataset(name, data=np.zeros(1 << 22, "f4"), chunks=(1 << 20,), compression="gzip")
        case 7 if item is not None:
            parent, own, shape = item.parent, item.name.split("/")[-1], item.shape
            del parent[own]
            parent.create_dataset(own, shape=shape, dtype=rng.choice(("f8", "i8", "S10", "c16", h5py.string_dtype())))
        case 8 if item is not None:
            parent, own, shape = item.parent, item.name.split("/")[-1], item.shape
            del parent[own]
            parent.create_dataset(own, data=np.full((*shape, 1)[: rng.randrange(len(shape) + 2)], 1, "f4"))
        case 9 if item is not None and item.dtype.kind == "f" and item.size:
            item[...] = rng.choice((np.nan, np.inf, 1e38, 0))
        case 10 if item is not None:
            del item.parent[item.name.split("/")[-1]]
        case 11 if item is not None:
            group[name] = item
        case 12:
            node = group
            for _ in range(rng.choice((40, 400))):
                node = node.create_group("n")
        case 13 if len(group.attrs):
            key = rng.choice(list(group.attrs))
            group.attrs[key] = rng.choice((0, np.nan, b"\xff\xfe", "x" * 70_000, [b"a", b"b"], np.zeros((2, 2)), ""))
        case 14 if len(group.attrs):
            del group.attrs[rng.choice(list(group.attrs))]
        case 15:
            group.attrs[rng.choice(("layer_names", "weight_names", "weight_names0"))] = [
                rng.choice((b"../x", b"/", b"", b".", b"x" * 300, b"optimizer_weights"))
                for _ in range(rng.choice((0, 1, 50)))
            ]
        case _:
            group.create_dataset(name, data=np.bytes_(b"\x80\x04\x95."), track_times=False)
