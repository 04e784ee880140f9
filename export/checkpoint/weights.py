"""Arrays of a file into the variables of a model: by the names and the order of the writer, all of them or none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import keras
import numpy as np

from edgeproof.errors import Refused
from export.checkpoint import hdf5
from export.checkpoint.layouts import Layout

Named = list[tuple[str, np.ndarray]]
_SHOWN = 6


def by_name(model: keras.Model, group: h5py.Group, layout: Layout, names: Mapping[str, str], source: str) -> list[str]:
    """Fill a model from weights stored by layer names.

    Args:
        names: a layer's name in the model -> its name in the file, where they differ.

    Returns:
        What was assumed, a line each.

    Raises:
        Refused: layers or weights missing or left over, other shapes, or kernels of an unknown backend.
    """
    file = {name: found for name in hdf5.names(group, "layer_names") if (found := _arrays(group[name]))}
    if _is_group(group, "top_level_model_weights") and _arrays(group["top_level_model_weights"]):
        raise _refused(source, "weights of the model itself, outside its layers", "pass the model as --builder")
    wanted = {names.get(layer.name, layer.name): layer for layer in model.layers if _variables(layer)}
    told: list[str] = []
    if layout.era == 1 and set(file) != set(wanted):
        wanted = {names.get(layer.name, layer.name): layer for layer in _flat(model) if _variables(layer)}
    if set(file) != set(wanted):
        if len(file) != len(wanted):
            raise _mismatch(source, sorted(set(wanted) - set(file)), sorted(set(file) - set(wanted)))
        told.append("layers matched by their order, since their names differ: " + _pairs(list(wanted), list(file)))
        file = dict(zip(wanted, file.values(), strict=True))
    pairs: list[tuple[str, Any, np.ndarray]] = []
    for name, layer in wanted.items():
        matched = _matched(name, layer, file[name], layout, names, source)
        pairs += [(name, variable, value) for variable, value in matched]
    _assign(pairs, source)
    for layer in _flat(model):
        if hasattr(layer, "finalize_state"):  # of preprocessing layers, which compute with what follows from weights
            layer.finalize_state()
    return told


def by_path(model: keras.Model, group: h5py.Group, entry: Mapping[str, Any] | None, source: str) -> None:
    """Fill a model from weights stored by attribute paths, as tf.keras 2.12 and later and Keras 3 store them.

    Args:
        entry: the architecture as the file has it, whose layers give the paths their numbers; None: the model's own.

    Raises:
        Refused: layers or weights missing or left over, or other shapes.
    """
    left = {name for name, _ in hdf5.weights(group)}
    filled: set[int] = set()
    try:
        _fill_model(model, group, "", entry, left, filled)
    except Refused:
        raise
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _refused(
            source, " ".join(str(error).split())[:300], "pass the architecture that wrote the weights"
        ) from error
    missing = [v.path for v in model.weights if id(v) not in filled]
    if missing or left:
        raise _mismatch(source, missing, sorted(left))


def _fill_model(
    model: Any, group: h5py.Group, path: str, entry: Mapping[str, Any] | None, left: set[str], filled: set[int]
) -> None:
    inside = "layers" if _is_group(group, f"{path}layers") or not _is_group(group, f"{path}{_OLD}") else _OLD
    inside = inside if _is_group(group, f"{path}{inside}") else "layers"
    entries = None
    if entry is not None:
        config = entry["config"]
        entries = config if isinstance(config, list) else config["layers"]
    layers = {layer.name: layer for layer in model.layers}
    counts: Counter[str] = Counter()
    plan: list[tuple[str, Any, Any]] = []
    if entries is None:
        plan = [(type(layer).__name__, layer, None) for layer in model.layers]
    else:
        for inner in entries:
            name = (inner["config"].get("name") if isinstance(inner["config"], dict) else None) or inner.get("name")
            plan.append((inner["class_name"].rpartition(">")[2], layers.get(str(name).replace("/", "_")), inner))
    for kind, layer, inner in plan:
        snake = _snake(kind)
        number = counts[snake]
        counts[snake] += 1
        place = f"{path}{inside}/{snake}" + (f"_{number}" if number else "")
        if layer is None:
            continue
        if not _is_group(group, place) and _is_group(group, f"{path}{inside}/{layer.name}"):
            place = f"{path}{inside}/{layer.name}"
        if isinstance(layer, keras.Model) and _is_group(group, place):
            _fill_model(layer, group, f"{place}/", inner, left, filled)
        elif _is_group(group, place):
            _fill(layer, group, place, left, filled, inner)


_OLD = "_layer_checkpoint_dependencies"


def _fill(layer: Any, group: h5py.Group, path: str, left: set[str], filled: set[int], entry: Any = None) -> None:
    """One layer from its group, and the parts of it from the groups inside, which are called as its attributes are."""
    for key in group[path]:
        place = f"{path}/{key}"
        if key == "vars":
            store = {name: item for name, item in group[place].items() if f"{place}/{name}" in left}
            if store:
                own = layer._trainable_variables + layer._non_trainable_variables
                try:
                    layer.load_own_variables({name: item[()] for name, item in store.items()})
                except (ValueError, KeyError) as error:
                    said = f"it holds {', '.join(store)}" if isinstance(error, KeyError) else str(error)
                    raise ValueError(f"{path}: {said}") from error
                filled.update(id(v) for v in own)
                left.difference_update(f"{place}/{name}" for name in store)
        elif any(name.startswith(f"{place}/") for name in left):
            part = getattr(layer, key)
            if isinstance(part, (list, tuple)):
                counts: Counter[str] = Counter()
                for item in part:
                    snake = _snake(type(item).__name__)
                    number = counts[snake]
                    counts[snake] += 1
                    _fill(item, group, f"{place}/{snake}" + (f"_{number}" if number else ""), left, filled)
            elif isinstance(part, keras.Model):
                inner = entry["config"].get(key) if isinstance(entry, dict) else None
                _fill_model(part, group, f"{place}/", inner, left, filled)
            else:
                _fill(part, group, place, left, filled)


def _matched(
    name: str, layer: Any, arrays: Named, layout: Layout, names: Mapping[str, str], source: str
) -> list[tuple[Any, np.ndarray]]:
    """Variables of a layer with their arrays: layer by layer of a model inside, then in the writer's order."""
    inner = layer.layer if type(layer).__name__ == "TimeDistributed" else layer
    if isinstance(inner, keras.Model):
        return _matched_model(name, inner, arrays, layout, names, source)
    values = [value for _, value in arrays]
    try:
        if not layout.backend and layout.era == 1 and layout.rotates(layer, values):
            raise Refused(
                "checkpoint: a convolution of Keras 1 must say which backend trained it: Theano turns kernels around.",
                received=f'{source}: no backend, and kernels of "{name}" that differ when turned',
                fix="--backend theano or --backend tensorflow",
            )
        values = layout.convert(layer, values)
    except Refused:
        raise
    except (ValueError, IndexError) as error:
        raise _refused(source, f'weights of "{name}" in no known layout ({error})', "save the model again") from error
    variables = _variables(layer)
    if len(variables) != len(values):
        have = ", ".join(n for n, _ in arrays)
        raise _refused(
            source,
            f'{len(values)} weights for layer "{name}", which has {len(variables)} '
            f"({', '.join(v.name for v in variables)}); the file's are {have}",
            "pass the architecture that wrote the weights",
        )
    return list(zip(variables, values, strict=True))


def _matched_model(
    name: str, model: Any, arrays: Named, layout: Layout, names: Mapping[str, str], source: str
) -> list[tuple[Any, np.ndarray]]:
    leaves = {names.get(layer.name, layer.name): layer for layer in _flat(model) if _variables(layer)}
    owned: dict[str, Named] = {leaf: [] for leaf in leaves}
    unowned = False
    for key, value in arrays:
        owner = _owner(key, leaves)
        if owner is None:
            unowned = True
        else:
            owned[owner].append((key, value))
    plausible = not unowned and len(leaves) == len(list(_flat_with_variables(model)))
    if plausible and all(owned.values()):
        return [
            pair for leaf, layer in leaves.items() for pair in _matched(leaf, layer, owned[leaf], layout, names, source)
        ]
    variables, values = _variables(model), [value for _, value in arrays]
    converted = layout.era == 1 or layout.backend == "theano"
    if converted or len(variables) != len(values) or len({v.shape for v in variables}) != len(variables):
        raise _refused(
            source,
            f'the {len(values)} weights of the inner model "{name}" can\'t be told apart by their names',
            "pass the model as --builder with the inner layers named as in the file",
        )
    return list(zip(variables, values, strict=True))


def _assign(found: Sequence[tuple[str, Any, np.ndarray]], source: str) -> None:
    wrong = [
        f'{variable.name} of "{name}" is {tuple(variable.shape)} and the file holds {value.shape}'
        for name, variable, value in found
        if tuple(variable.shape) != value.shape
    ]
    if wrong:
        raise _refused(source, _listed(wrong), "pass the architecture that wrote the weights")
    for _, variable, value in found:
        variable.assign(value)


def _arrays(group: h5py.Group) -> Named:
    return [(name, group[name][()]) for name in hdf5.names(group, "weight_names")]


def _variables(layer: Any) -> list[Any]:
    """In the order of HDF5 files: what is trained, then what is not."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        inner = layer.layer if type(layer).__name__ == "TimeDistributed" else layer
        if isinstance(inner, keras.Model):
            yield from _flat(inner)
        else:
            yield layer


def _flat_with_variables(model: Any) -> Iterator[Any]:
    return (layer for layer in _flat(model) if _variables(layer))


def _owner(key: str, leaves: Mapping[str, Any]) -> str | None:
    """The layer that a weight's name speaks of: `dense_1/kernel:0`, or `dense_1_W` of Keras 1."""
    parts = key.split("/")
    for part in reversed(parts[:-1]):
        if part in leaves:
            return part
    prefixes = [leaf for leaf in leaves if parts[-1].startswith(f"{leaf}_") or f"{leaf}/" in f"{key}/"]
    return max(prefixes, key=len) if prefixes else None


def _snake(name: str) -> str:
    """As Keras names the groups of a list's members."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _is_group(group: h5py.Group, name: str) -> bool:
    return isinstance(group.get(name), h5py.Group)


def _mismatch(source: str, missing: Sequence[str], extra: Sequence[str]) -> Refused:
    said = [f"without {_listed(missing)}"] if missing else []
    said += [f"with {_listed(extra)}, which the model has not"] if extra else []
    return _refused(source, "weights " + " and ".join(said), "pass the architecture or the builder that wrote them")


def _refused(source: str, received: str, fix: str) -> Refused:
    return Refused(
        "checkpoint: the weights must be those of the architecture, all of them and no others.",
        received=f"{source}: {received}",
        fix=fix,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _pairs(now: Sequence[str], then: Sequence[str]) -> str:
    return _listed([f"{a} from {b}" for a, b in zip(now, then, strict=True)])
