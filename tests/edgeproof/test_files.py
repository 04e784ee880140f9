"""Raw samples from files: what Pillow and numpy wrote comes back, and whatever else a file holds is refused unrun."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeproof.contract import Frontend
from edgeproof.errors import Refused
from edgeproof.frontend import files

PICTURE, NUMBERS = Frontend("image", "image"), Frontend("x", "array")
rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (9, 7), np.uint8)
COLOUR = rng.integers(0, 256, (9, 7, 3), np.uint8)
ALPHA = rng.integers(0, 256, (9, 7), np.uint8)


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    body = io.BytesIO()
    picture.save(body, form, **options)
    return body.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., np.ndarray]:
    """Write bytes or a Pillow image to a file, and read it as a picture."""

    def act(what: bytes | Image.Image, name: str = "sample.png", **options: Any) -> np.ndarray:
        path = tmp_path / name
        path.write_bytes(encoded(what, **options) if isinstance(what, Image.Image) else what)
        return files.read(path, PICTURE)

    return act


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM"])
def test_lossless_pictures_come_back_exactly(read: Callable[..., np.ndarray], form: str) -> None:
    for pixels in (GREY, COLOUR):
        found = read(Image.fromarray(pixels), form=form)
        assert found.dtype == np.uint8
        assert np.array_equal(found, pixels)


def test_jpeg_is_read_as_pillow_decodes_it(read: Callable[..., np.ndarray]) -> None:
    for pixels in (GREY, COLOUR):
        data = encoded(Image.fromarray(pixels), "JPEG")
        assert np.array_equal(read(data, "sample.jpg"), np.asarray(Image.open(io.BytesIO(data))))


def test_content_decides_and_not_the_name(read: Callable[..., np.ndarray]) -> None:
    assert np.array_equal(read(Image.fromarray(GREY), "sample.jpg"), GREY)


def test_two_colours_become_black_and_white(read: Callable[..., np.ndarray]) -> None:
    bits = GREY > 127
    assert np.array_equal(read(Image.fromarray(bits)), np.where(bits, 255, 0))


def test_palette_becomes_the_colours_it_stands_for(read: Callable[..., np.ndarray]) -> None:
    palette = rng.permutation(256 * 3).astype(np.uint8)  # indices and colours have nothing in common
    picture = Image.fromarray(GREY, "L").copy()
    picture.putpalette(palette.tobytes())
    assert picture.mode == "P"
    assert np.array_equal(read(picture), palette.reshape(256, 3)[GREY])


def test_transparency_is_laid_over_black(read: Callable[..., np.ndarray]) -> None:
    colour = read(Image.fromarray(np.dstack([COLOUR, ALPHA])))
    np.testing.assert_allclose(colour, COLOUR * (ALPHA[..., None] / 255), atol=1)
    grey = read(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)]))
    np.testing.assert_allclose(grey, np.repeat((GREY * (ALPHA / 255))[..., None], 3, -1), atol=1)


def test_transparent_colour_of_a_palette_or_grey_becomes_black(read: Callable[..., np.ndarray]) -> None:
    indices = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "L").copy()
    indices.putpalette(bytes([10, 20, 30, 40, 50, 60]))
    assert read(indices, transparency=0).tolist() == [[[0, 0, 0], [40, 50, 60]], [[40, 50, 60], [0, 0, 0]]]
    assert read(Image.fromarray(np.array([[7, 9]], np.uint8)), transparency=7)[..., 0].tolist() == [[0, 9]]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_camera_that_was_held_sideways_is_turned_back(read: Callable[..., np.ndarray], form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the top row of the scene is the right column of the pixels
    upright = np.repeat(np.repeat(np.array([[0, 255, 0], [255, 255, 255]], np.uint8), 16, 0), 16, 1)
    found = read(Image.fromarray(np.ascontiguousarray(np.rot90(upright))), form=form, exif=exif)
    np.testing.assert_allclose(found, upright, atol=40)  # JPEG is not exact, least at edges


@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (encoded(Image.fromarray(np.full((8, 8), 40_000, np.uint16))), "I;16"),
        (encoded(Image.new("CMYK", (8, 8)), "JPEG"), "CMYK"),
        (b"P5 2 2 65535\n" + bytes(8), "I"),
    ],
    ids=["16-bit", "CMYK", "16-bit PGM"],
)
def test_mode_without_one_meaning_as_brightness_is_refused(
    read: Callable[..., np.ndarray], data: bytes, mode: str
) -> None:
    with pytest.raises(Refused, match="8-bit grey or RGB") as refusal:
        read(data)
    assert refusal.value.received.endswith(f"mode {mode}")


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM", "JPEG"])
def test_beginning_of_a_picture_is_refused_unless_it_has_every_pixel(
    read: Callable[..., np.ndarray], form: str
) -> None:
    """Readers can be made to fill what is missing with grey, and an answer about that would be none."""
    data = encoded(Image.fromarray(COLOUR), form)
    pixels = read(data)
    taken = []
    for length in range(len(data)):
        try:
            found = read(data[:length])
        except Refused:
            continue
        assert np.array_equal(found, pixels)
        taken.append(length)
    # Checksums, padding and end marks at most.
    assert all(length > len(data) - 30 for length in taken)


def test_flipped_bit_in_a_png_is_found(read: Callable[..., np.ndarray]) -> None:
    data = bytearray(encoded(Image.fromarray(COLOUR)))
    data[data.index(b"IDAT") + 20] ^= 4
    with pytest.raises(Refused, match="decodes whole"):
        read(bytes(data))


def damage(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with some of them changed, left out, or put in."""
    place, few = st.integers(0, min(len(data), 400) - 1), st.binary(max_size=4)
    cuts = st.lists(st.tuples(place, st.integers(0, 4), few), min_size=1, max_size=4)

    def cut(at: list[tuple[int, int, bytes]]) -> bytes:
        whole = bytearray(data)
        for start, length, new in at:
            whole[start : start + length] = new
        return bytes(whole)

    return cuts.map(cut)


EXIF = Image.Exif()
EXIF[0x0112], EXIF[0x010E] = 6, "description"
PICTURES = [
    encoded(Image.fromarray(COLOUR), "PNG", exif=EXIF),
    encoded(Image.fromarray(GREY).convert("P"), "PNG", transparency=3),
    encoded(Image.fromarray(COLOUR), "JPEG", exif=EXIF),
    encoded(Image.fromarray(COLOUR), "BMP"),
    encoded(Image.fromarray(GREY), "PPM"),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(PICTURES).flatmap(damage))
def test_damaged_picture_gives_pixels_or_a_refusal(read: Callable[..., np.ndarray], data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, on EXIF that it can not read
        try:
            pixels = read(data)
        except Refused:
            return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 2 or pixels.shape[2:] == (3,)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_001, 10_000, 100_000])
def test_picture_that_would_fill_the_memory_is_refused(read: Callable[..., np.ndarray], side: int) -> None:
    with pytest.raises(Refused, match=r"pixels"):
        read(png_header(side, side))


@pytest.mark.parametrize("form", ["GIF", "TIFF", "EPS"])
def test_formats_that_are_not_promised_are_not_opened(
    read: Callable[..., np.ndarray], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of EPS this matters: to decode it Pillow hands the file to Ghostscript, which runs what it says."""
    import subprocess

    monkeypatch.setattr(subprocess, "check_call", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(Refused, match="PNG, JPEG, BMP and PGM"):
        read(encoded(Image.fromarray(COLOUR), form))


@pytest.mark.parametrize("name", ["missing.png", "missing.npy", "."])
@pytest.mark.parametrize("frontend", [PICTURE, NUMBERS])
def test_missing_file_is_named(tmp_path: Path, name: str, frontend: Frontend) -> None:
    with pytest.raises(Refused, match="must exist") as refusal:
        files.read(tmp_path / name, frontend)
    assert str(tmp_path / name) in refusal.value.received


def test_picture_for_an_input_that_takes_numbers_is_refused(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "sample.png")
    with pytest.raises(Refused, match=r"numpy\.save"):
        files.read(tmp_path / "sample.png", NUMBERS)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", ">i4", "float16", "float64"])
@pytest.mark.parametrize("frontend", [PICTURE, NUMBERS])
def test_array_comes_back_as_it_was(tmp_path: Path, dtype: str, frontend: Frontend) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    np.save(tmp_path / "sample.npy", array)
    found = files.read(tmp_path / "sample.npy", frontend)
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


class Trap:
    """Pickled, it would make a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_object_is_refused_and_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    np.save(tmp_path / "object.npy", np.array([Trap(sprung)], object), allow_pickle=True)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Trap(sprung)))
    for name in ("object.npy", "bare.npy"):
        with pytest.raises(Refused, match="without objects"):
            files.read(tmp_path / name, NUMBERS)
    assert not sprung.exists()


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([1j]), np.zeros(2, [("a", "f4")]), np.array(["2000-01-01"], "datetime64[D]")]
)
def test_array_of_something_else_than_numbers_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "sample.npy", array)
    with pytest.raises(Refused, match="numeric"):
        files.read(tmp_path / "sample.npy", NUMBERS)


def test_archive_under_the_name_of_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=GREY)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(Refused, match="one plain numeric array"):
        files.read(tmp_path / "a.npy", NUMBERS)


def header(text: str) -> bytes:
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + b"abc"


def array_header(descr: str = "|u1", shape: str = "(3,)") -> bytes:
    return header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no array",
        array_header(shape="(10**12,)"),
        array_header(shape="(1000000000000,)"),
        array_header(shape="(10000000000000000000000,)"),
        array_header(shape="(4,)"),
        array_header(shape="(-1,)"),
        array_header(descr="|X9"),
        header("(((((("),
        header("{1: 2}"),
        header("'" * 40),
    ],
)
def test_damaged_array_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "sample.npy").write_bytes(data)
    with pytest.raises(Refused, match=r"numpy\.save"):
        files.read(tmp_path / "sample.npy", NUMBERS)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(damage(array_header()))
def test_changed_array_gives_numbers_or_a_refusal(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "sample.npy").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            array = files.read(tmp_path / "sample.npy", NUMBERS)
        except Refused:
            return
    assert array.dtype.kind in "biuf"


def test_pillow_image_and_its_file_have_the_same_pixels(read: Callable[..., np.ndarray]) -> None:
    for picture in (Image.fromarray(GREY), Image.fromarray(COLOUR).quantize(16), Image.fromarray(GREY > 9)):
        assert np.array_equal(files.pixels(picture, "it"), read(picture))
    with pytest.raises(Refused, match="it: mode CMYK"):
        files.pixels(Image.new("CMYK", (8, 8)), "it")
