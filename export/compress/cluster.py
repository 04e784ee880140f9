"""Weight clustering by tensorflow-model-optimization (Han et al., 2016, "Deep compression", section 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster as experimental

from export.compress import kernels
from export.compress.bridge import Bridged
from export.compress.tune import Tuner

_RATE = 5e-4


def cluster(bridged: Bridged, clusters: int, tuner: Tuner, rate: float | None = None) -> list[str]:
    """Train with every kernel's weights at `clusters` values, and its zeros, where it has been pruned, in their places.

    Returns:
        Names of the layers that were left as they were, having no more weights than clusters.
    """
    every = kernels.of(bridged)
    chosen = {kernel.layer.name for kernel in every if kernel.variable.shape.num_elements() > clusters}
    zeros = {k.layer.name: (k.variable, k.variable.numpy() != 0) for k in every if np.any(k.variable.numpy() == 0)}
    begin = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    wrapped: list[Any] = []

    def wrap(layer: Any) -> Any:
        if layer.name not in chosen:
            return layer
        options = {"number_of_clusters": clusters, "cluster_centroids_init": begin}
        if layer.name in zeros:
            wrapped.append(experimental.cluster_weights(layer, preserve_sparsity=True, **options))
        else:
            wrapped.append(tfmot.clustering.keras.cluster_weights(layer, **options))
        return wrapped[-1]

    model = tf_keras.models.clone_model(bridged.theirs, clone_function=wrap)
    tuner.fit(model, rate or _RATE)
    for layer in wrapped:
        layer.update_clustered_weights_associations()
        for attribute, variable in layer.original_clusterable_weights.items():
            variable.assign(layer.get_weight_from_layer(attribute))
    for variable, kept in zeros.values():
        variable.assign(variable * kept)
    return [kernel.layer.name for kernel in every if kernel.layer.name not in chosen]
