"""Layers that Keras lacks. Importing this package registers them all, so that checkpoints load by name."""

from models.layers.bitmap_codes import DIGITS, bitmap_codes
from models.layers.euclidean_rbf import EuclideanRBF
from models.layers.grouped_conv import GroupedConv2D
from models.layers.hard_sigmoid import hard_sigmoid_0_2
from models.layers.local_response_norm import LocalResponseNormalization
from models.layers.locally_connected import LocallyConnected2D
from models.layers.scaled_tanh import ScaledTanh
from models.layers.step import Step
from models.layers.subsampling import Subsampling
from models.layers.table_conv import TableConv2D
from models.layers.tensor_function import TensorFunction

__all__ = [
    "DIGITS",
    "EuclideanRBF",
    "GroupedConv2D",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "ScaledTanh",
    "Step",
    "Subsampling",
    "TableConv2D",
    "TensorFunction",
    "bitmap_codes",
    "hard_sigmoid_0_2",
]
