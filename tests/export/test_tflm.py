"""The C folder: it compiles as it is under strict warnings, and says what the flatbuffer and the contract say."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.contract import Contract, Provenance, Score
from export import pipeline
from export.formats import tflm
from export.targets.tflm import METHODS, TARGET
from export.worker import Worker

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
C = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CXX = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
needs_c = pytest.mark.skipif(C is None, reason="no C compiler (cc, gcc or clang)")
needs_cxx = pytest.mark.skipif(CXX is None, reason="no C++ compiler (c++, g++ or clang++)")

HOSTILE = (
    "*/ #error \"out of the comment\" /*",
    'a "quoted" label',
    "back\\slash and \\",
    "two\nlines\r\tand a tab",
    "trigraphs ??/ ??' ??= ???/",
    "%s %n // /* nested",
    "日本語 é \u2028",
    "7 after octal: \x017",
    "",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(made: pipeline.Outcome) -> Path:
    return made.out / "small.int8.tflm"


def changed(folder: Path, to: Path, **fields: Any) -> Path:
    """A copy of the C folder, its contract changed."""
    shutil.copytree(folder, to)
    contract = tflm.look(to).contract
    assert contract is not None
    tflm.embed(to, dataclasses.replace(contract, **fields))
    return to


@pytest.fixture(scope="module")
def hostile(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a contract that tries to get out of every comment and string."""
    return changed(
        folder,
        tmp_path_factory.mktemp("hostile") / "c",
        title='*/ #error "title"\n#error /* edgeproof.contract: {}\n * edgeproof.contract: {} \\',
        labels=HOSTILE,
        score=Score("accuracy", 0.5, (0.0, 1.0), 3, 'data".npz\\', "te\nst ??/"),
        provenance=Provenance(recipe='re"cipe*/ ??/\\'),
    )


def name_of(folder: Path) -> str:
    (source,) = folder.glob("*.c")
    assert source.with_suffix(".h").is_file()
    return source.stem


def compile_c(folder: Path, program: str, tmp_path: Path) -> dict[str, Any]:
    """Compile the folder and a program that prints JSON, both as C99, and run them."""
    assert C is not None
    main = tmp_path / "main.c"
    main.write_text(f'#include "{name_of(folder)}.h"\n{program}')
    binary = tmp_path / "main"
    sources = [str(folder / f"{name_of(folder)}.c"), str(main)]
    done = subprocess.run(
        [C, "-std=c99", *STRICT, f"-I{folder}", *sources, "-o", str(binary)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    printed = subprocess.run([str(binary)], capture_output=True, check=True).stdout
    return json.loads(printed)  # type: ignore[no-any-return]


PROGRAM = """
#include <stdint.h>
#include <stdio.h>
int main(void) {
  unsigned int i;
  printf("{\\"at\\": %d, \\"length\\": %u, \\"size\\": %u, \\"scale\\": [%.9g, %.9g], \\"zero\\": [%d, %d],",
         (int)((uintptr_t)NAME % 16), NAME_len, (unsigned int)sizeof NAME, UPPER_INPUT_SCALE, UPPER_OUTPUT_SCALE,
         UPPER_INPUT_ZERO_POINT, UPPER_OUTPUT_ZERO_POINT);
  printf("\\"sizes\\": [%d, %d], \\"operators\\": %d,", UPPER_INPUT_SIZE, UPPER_OUTPUT_SIZE, UPPER_OPERATORS);
  printf("\\"bytes\\": \\"");
  for (i = 0; i < NAME_len; i++) printf("%02x", NAME[i]);
  printf("\\"}");
  return 0;
}
"""


def program(name: str, text: str = PROGRAM) -> str:
    return text.replace("UPPER", name.upper()).replace("NAME", name)


@needs_c
def test_the_array_its_length_and_the_quantization_are_those_of_the_flatbuffer(
    folder: Path, made: pipeline.Outcome, tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    told = compile_c(folder, program(name_of(folder)), tmp_path)
    data = bytes.fromhex(told["bytes"])
    assert told["at"] == 0
    assert told["length"] == told["size"] == len(data)
    assert data[4:8] == b"TFL3"
    assert data == tflm.payload(folder), "what was verified is not what is compiled"
    result = next(r for r in made.results if r.format == "tflm")
    assert result.bytes == len(data), "the size on the device, not that of the text"
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    ends = [interpreter.get_input_details()[0], interpreter.get_output_details()[0]]
    assert np.float32(told["scale"]).tolist() == [np.float32(end["quantization"][0]) for end in ends]
    assert told["zero"] == [end["quantization"][1] for end in ends]
    assert told["sizes"] == [int(np.prod(end["shape"])) for end in ends]
    operators = {op["op_name"] for op in interpreter._get_ops_details()} - {"DELEGATE"}
    assert told["operators"] == len(operators)
    assert set(result.operators) == operators


# Every byte of a string, as JSON: a string of octal escapes could not hide what it says.
STRINGS = """
#include <stdio.h>
static void bytes(const char *text) {
  printf("\\"");
  for (; *text; text++) printf("%02x", (unsigned char)*text);
  printf("\\"");
}
int main(void) {
  unsigned int i;
  printf("[");
  bytes(NAME_contract.recipe); printf(","); bytes(NAME_contract.checkpoint_sha256); printf(",");
  bytes(NAME_contract.checkpoint_score);
  for (i = 0; i < sizeof NAME_labels / sizeof *NAME_labels; i++) { printf(","); bytes(NAME_labels[i]); }
  printf("]");
  return 0;
}
"""


def strings(folder: Path, tmp_path: Path) -> list[str]:
    found: Any = compile_c(folder, program(name_of(folder), STRINGS), tmp_path)
    return [bytes.fromhex(text).decode() for text in found]


@needs_c
def test_the_contract_stands_in_the_constants(folder: Path, small: Any, tmp_path: Path) -> None:
    recipe, checkpoint, score, *labels = strings(folder, tmp_path)
    assert recipe == "stripes"
    assert checkpoint == hashlib.sha256(small.checkpoint.read_bytes()).hexdigest()
    assert score == "accuracy 1.0000 on 120 samples of stripes test"
    assert labels == ["across", "down", "slanted"]


@needs_c
def test_no_text_gets_out_of_its_comment_or_string(hostile: Path, tmp_path: Path) -> None:
    recipe, _, score, *labels = strings(hostile, tmp_path)
    assert labels == list(HOSTILE)
    assert recipe == 're"cipe*/ ??/\\'
    assert score == 'accuracy 0.5000 on 3 samples of data".npz\\ te\nst ??/'


def test_the_contract_in_the_comment_reads_back(hostile: Path, folder: Path) -> None:
    contract = tflm.look(hostile).contract
    assert contract is not None
    assert contract.labels == HOSTILE
    assert contract.provenance.recipe == 're"cipe*/ ??/\\'
    # Whoever has no Edgeproof finds it as JSON on a line of its own.
    header = (folder / f"{name_of(folder)}.h").read_text()
    (line,) = re.findall(r"^ \* edgeproof\.contract: (.*)$", header, re.MULTILINE)
    assert json.loads(line)["labels"] == ["across", "down", "slanted"]


@needs_c
def test_without_labels_and_score_it_compiles_too(folder: Path, tmp_path: Path) -> None:
    bare = changed(folder, tmp_path / "c", labels=(), score=None, title="", provenance=Provenance())
    name = name_of(bare)
    printing = f'printf("\\"%s\\"", {name}_contract.checkpoint_score);'
    text = f"#include <stdio.h>\nint main(void) {{ {printing} return 0; }}\n"
    assert compile_c(bare, text, tmp_path) == "unknown"


@needs_c
def test_several_files_may_include_the_header_twice(folder: Path, tmp_path: Path) -> None:
    name = name_of(folder)
    again = f'#include "{name}.h"\n'
    (tmp_path / "other.c").write_text(f"{again}int other(void);\nint other(void) {{ return {name}[4]; }}\n")
    main = '#include "other.c"\n#include <stdio.h>\nint main(void) { printf("%d", other()); return 0; }\n'
    text = again + main
    assert compile_c(folder, text, tmp_path) == ord("T")


MOCK = """
#include "NAME.h"
#include <cstdint>
#include <cstdio>
namespace tflite {
template <unsigned int count> class MicroMutableOpResolver {
 public:
METHODS
  int added = 0;
};
}  // namespace tflite
int main() {
  tflite::MicroMutableOpResolver<UPPER_OPERATORS> resolver;
  UPPER_ADD_OPERATORS(resolver)
  std::printf("[%d, %d, %d, %u]", resolver.added, UPPER_OPERATORS,
              static_cast<int>(reinterpret_cast<std::uintptr_t>(NAME) % 16), NAME_len);
}
"""


@needs_cxx
@pytest.mark.parametrize("source", ["c++", "c"])
def test_the_resolver_is_given_each_operator_once_in_cpp(
    folder: Path, hostile: Path, tmp_path: Path, source: str
) -> None:
    """As firmware has it: a C++ application, and the array compiled as C++ or as C beside it."""
    for place in (folder, hostile):
        name = name_of(place)
        methods = "\n".join(f"  void {method}() {{ ++added; }}" for method in sorted(set(METHODS.values())))
        main = tmp_path / "main.cc"
        main.write_text(MOCK.replace("METHODS", methods).replace("UPPER", name.upper()).replace("NAME", name))
        array = place / f"{name}.c"
        assert CXX is not None
        compiler = [CXX, "-std=c++11", "-x", "c++"] if source == "c++" else [C or CXX, "-std=c99", "-x", "c"]
        for command in (
            [*compiler, *STRICT, f"-I{place}", "-c", str(array), "-o", str(tmp_path / "array.o")],
            [CXX, "-std=c++11", *STRICT, f"-I{place}", str(main), str(tmp_path / "array.o"), "-o", str(tmp_path / "m")],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        printed = json.loads(subprocess.run([str(tmp_path / "m")], capture_output=True, check=True).stdout)
        operators = len(tflm.look(place).operators)
        assert printed == [operators, operators, 0, len(tflm.payload(place))]
        assert operators > 1


@pytest.mark.parametrize(
    "stem", ["1998-model.x", "a b", "int", "модель", "__double__", "été", "x" * 60, "a/b"[2:], "π3", "-"]
)
@needs_c
def test_any_file_name_becomes_an_identifier(folder: Path, tmp_path: Path, stem: str) -> None:
    identifier = tflm._identifier(f"{stem}_int8")
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", identifier)  # no leading underscore: those are the compiler's
    data = tflm.payload(folder)
    place = tmp_path / "c"
    place.mkdir()
    (place / f"{identifier}.c").write_text(tflm._source_text(identifier, data))
    contract = tflm.look(folder).contract
    (place / f"{identifier}.h").touch()
    assert contract is not None
    tflm.embed(place, contract)
    assert compile_c(place, program(identifier), tmp_path)["length"] == len(data)


def test_a_model_of_an_awkward_name_is_exported(small: Any, worker: Worker, export: Any, tmp_path: Path) -> None:
    checkpoint = shutil.copy(small.foreign, tmp_path / "1998-model.x.h5")
    images = np.load(small.folder / "samples.npz")
    samples = {f"{s}_x": images[f"{s}_image"][..., None] / np.float32(255) for s in ("evaluation", "calibration")}
    np.savez(tmp_path / "s.npz", **samples)
    outcome = export(checkpoint, "tflm", samples=tmp_path / "s.npz", out=tmp_path / "out")
    assert [r.status for r in outcome.results] == ["verified"]
    found = tmp_path / "out" / "1998-model.x.int8.tflm"
    assert sorted(f.name for f in found.iterdir()) == ["model_1998_model_x_int8.c", "model_1998_model_x_int8.h"]


def test_operators_that_the_resolver_has_not_are_refused(worker: Worker, export: Any, tmp_path: Path) -> None:
    from edgeproof.errors import Refused

    worker.call("children:save_unusual", path=str(tmp_path / "unusual.h5"))
    x = np.random.default_rng(0).random((20, 6), np.float32)
    more = np.random.default_rng(1).random((20, 6), np.float32)
    np.savez(tmp_path / "s.npz", evaluation_x=x, calibration_x=more)
    request = {"samples": tmp_path / "s.npz", "out": tmp_path / "out"}
    with pytest.raises(Refused, match="must have every operator") as refused:
        export(tmp_path / "unusual.h5", "tflm:int8", **request)
    assert refused.value.received == "TILE"
    (result,) = export(tmp_path / "unusual.h5", "tflm", **request).results
    assert result.status == "not made"
    assert "TILE" in result.reason
    assert not list((tmp_path / "out").iterdir())


def test_the_target_knows_what_the_resolver_knows() -> None:
    assert TARGET.operators == frozenset(METHODS)
    assert all(re.fullmatch(r"Add[A-Z]\w+", method) for method in METHODS.values())
    assert len(set(METHODS.values())) == len(METHODS)


def test_contract_equality_survives_the_round_trip(folder: Path, tmp_path: Path) -> None:
    first = tflm.look(folder).contract
    assert isinstance(first, Contract)
    again = changed(folder, tmp_path / "again")
    assert tflm.look(again).contract == first
    assert (again / f"{name_of(again)}.h").read_bytes() == (folder / f"{name_of(folder)}.h").read_bytes()
