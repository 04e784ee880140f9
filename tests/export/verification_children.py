"""What the verification tests call in their child."""

from pathlib import Path

from edgeproof.contract import Contract
from export.formats import graphdef


def embed(path, contract):
    """Put a contract into a GraphDef."""
    graphdef.embed(Path(path), Contract.from_json(contract))
