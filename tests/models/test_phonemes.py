"""The network of frames: its parameters, its splice as a dense layer in numpy, and the nearest row of the table."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models import phonology
from models.phonemes import BANDS, FRAMES, SPLICED, build_phonemes
from train.data import words


@pytest.mark.parametrize("variant", ["phonemes", "attributes"])
@pytest.mark.parametrize(("width", "bottleneck"), [(128, 32), (8, 3)])
def test_parameters_layer_by_layer(variant: str, width: int, bottleneck: int) -> None:
    wanted = SPLICED * BANDS * width + width + width * width + width + 3 * 4 * width
    wanted += width * bottleneck + bottleneck + bottleneck * width + width
    wanted += (width + 1) * 19 if variant == "phonemes" else (width + 1) * 16 + 16 * 19
    model = build_phonemes(variant=variant, width=width, bottleneck=bottleneck)
    assert model.count_params() == wanted
    assert model.get_layer("bottleneck").output.shape[1:] == (FRAMES - SPLICED + 1, bottleneck)
    if width == 128:
        assert wanted == {"phonemes": 85_299, "attributes": 85_216}[variant]


def test_the_splice_is_a_dense_layer_of_eleven_frames() -> None:
    model = build_phonemes(width=4, bottleneck=2)
    kernel, bias = (np.asarray(w) for w in model.get_layer("spliced").get_weights())
    frames = np.random.default_rng(0).standard_normal((1, FRAMES, BANDS)).astype(np.float32)
    found = keras.Model(model.input, model.get_layer("spliced").output)(frames)
    rows = np.stack([frames[0, i : i + SPLICED].ravel() for i in range(FRAMES - SPLICED + 1)])
    np.testing.assert_allclose(found[0], np.maximum(rows @ kernel.reshape(-1, 4) + bias, 0), atol=1e-4)


def test_the_likeliest_phoneme_is_that_of_the_nearest_row_in_cross_entropy() -> None:
    keras.utils.set_random_seed(0)
    model = build_phonemes(variant="attributes", width=4, bottleneck=2)
    frames = np.random.default_rng(1).standard_normal((2, FRAMES, BANDS)).astype(np.float32)
    p, logits = (np.asarray(x, np.float64) for x in model(frames))
    rows = phonology.table().astype(np.float64)
    distance = -(rows @ np.log(p)[..., None] + (1 - rows) @ np.log(1 - p)[..., None])[..., 0]
    wanted = np.exp(-distance) / np.exp(-distance).sum(axis=-1, keepdims=True)
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    np.testing.assert_allclose(shifted / shifted.sum(axis=-1, keepdims=True), wanted, atol=1e-4)
    first, second = np.sort(distance, axis=-1)[..., :2].transpose(2, 0, 1)
    clear = second - first > 1e-3
    assert clear.mean() > 0.2
    assert (np.argmin(distance, axis=-1) == np.argmax(logits, axis=-1))[clear].all()


def test_the_table_tells_all_phonemes_apart() -> None:
    assert ["", *list(phonology.PHONEMES)[1:]] == list(words.PHONEMES)
    assert {word for told in phonology.PHONEMES.values() for word in told.split()} == set(phonology.ATTRIBUTES)
    assert len(np.unique(phonology.table(), axis=0)) == len(phonology.PHONEMES)


def test_what_the_table_says_is_what_the_voice_is_told() -> None:
    """Voice, noise, and the place of the vowels' first two formants, as the synthesiser has them."""
    rows = dict(zip(words.PHONEMES, phonology.table().astype(bool), strict=True))
    column = {name: i for i, name in enumerate(phonology.ATTRIBUTES)}
    for name, (_, _, _, _, voice, noise, _, _) in words.PHONEMES.items():
        assert rows[name][column["voiced"]] == (voice > 0), name
        assert (rows[name][column["fricative"]] or rows[name][column["burst"]]) == (noise > 0), name
    vowels = {name: words.PHONEMES[name] for name, row in rows.items() if row[column["vowel"]]}

    def formants(attribute: str, which: int, has: bool) -> list[float]:
        return [told[which] for name, told in vowels.items() if rows[name][column[attribute]] == has]

    assert max(formants("high", 1, True)) < min(formants("high", 1, False)), "a high tongue, a low first formant"
    assert min(formants("low", 1, True)) > max(formants("low", 1, False))
    assert min(formants("front", 2, True)) > max(formants("front", 2, False)), "a front tongue, a high second formant"
    assert max(formants("back", 2, True)) < min(formants("back", 2, False))


@pytest.mark.parametrize(
    ("wrong", "said"), [({"variant": "x"}, "variant must be"), ({"width": 0}, "must be 1 or more")]
)
def test_unknown_forms_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build_phonemes(**wrong)
