"""The network that spells: its parameters and steps."""

from __future__ import annotations

import pytest

from models.speech import BANDS, build_speech


@pytest.mark.parametrize(("width", "blocks", "classes"), [(64, 4, 11), (16, 1, 3)])
def test_parameters_layer_by_layer_and_steps(width: int, blocks: int, classes: int) -> None:
    norm = 4 * width
    wanted = 5 * BANDS * width + norm + 5 * width * width + norm
    wanted += blocks * (5 * width + width * width + norm) + width * classes + classes
    model = build_speech(width=width, blocks=blocks, classes=classes)
    assert model.count_params() == wanted
    assert model.output.shape[1] == 97 - sum(4 * (1 + i % 2) for i in range(blocks))
    assert width != 64 or (wanted, model.output.shape[1]) == (53_195, 73)


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"blocks": 0}])
def test_unknown_forms_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="classes must be 2 or more"):
        build_speech(**wrong)
