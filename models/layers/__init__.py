"""Layers that Keras lacks. Importing this package registers them all, so that checkpoints load by name."""

from models.layers.bitmap_codes import DIGITS, bitmap_codes
from models.layers.boltzmann import Boltzmann
from models.layers.description_length import DescriptionLength
from models.layers.euclidean_rbf import EuclideanRBF
from models.layers.grouped_conv import GroupedConv2D
from models.layers.hard_sigmoid import hard_sigmoid_0_2
from models.layers.item_table import ItemTable
from models.layers.kl_sparsity import KLSparsity
from models.layers.local_response_norm import LocalResponseNormalization
from models.layers.locally_connected import LocallyConnected2D
from models.layers.offset import Offset
from models.layers.positions import Positions
from models.layers.scaled_tanh import ScaledTanh
from models.layers.soft_threshold import LassoCost, SoftThreshold
from models.layers.squared_error import SquaredError
from models.layers.step import Step
from models.layers.subsampling import Subsampling
from models.layers.table_conv import TableConv2D
from models.layers.tensor_function import TensorFunction
from models.layers.tied_dense import TiedDense
from models.layers.tree import Column, NeuralTensor, Pick

__all__ = [
    "DIGITS",
    "Boltzmann",
    "Column",
    "DescriptionLength",
    "EuclideanRBF",
    "GroupedConv2D",
    "ItemTable",
    "KLSparsity",
    "LassoCost",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "NeuralTensor",
    "Offset",
    "Pick",
    "Positions",
    "ScaledTanh",
    "SoftThreshold",
    "SquaredError",
    "Step",
    "Subsampling",
    "TableConv2D",
    "TensorFunction",
    "TiedDense",
    "bitmap_codes",
    "hard_sigmoid_0_2",
]
