"""TensorFlow Lite for Microcontrollers: the int8 flatbuffer as C, with what the firmware must know beside it.

A folder with `<name>.h` and `<name>.c`: an array aligned to 16 bytes, its length, the operators for the resolver,
the scale and zero point of the ends, and the contract. The flatbuffer itself carries no metadata: flash is dear.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeproof import formats as files
from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import lone
from export.formats import Format, Look, Made
from export.formats.tflite import flatbuffer_of
from export.quantize.tflite import TfliteIntegers
from export.targets.tflm import METHODS
from export.tflite_metadata import aligned

if TYPE_CHECKING:
    from export.source import Source

_BYTES_A_LINE = 16


def convert(source: Source, precision: str, path: Path) -> Made:
    """Convert to an int8 flatbuffer and write it as C, named after the model's checkpoint.

    Raises:
        Refused: no calibration samples, or an operator that TensorFlow Lite for Microcontrollers has not.
    """
    flatbuffer, made = flatbuffer_of(source, precision)
    summary = files.read_bytes(flatbuffer, str(path))
    missing = sorted(_operators(summary) - set(METHODS))
    if missing:
        raise Refused(
            "export: TensorFlow Lite for Microcontrollers must have every operator of the graph.",
            received=", ".join(missing),
            fix="replace the layers these come from, or run the .tflite file on LiteRT",
        )
    path.mkdir(parents=True, exist_ok=True)
    name = _identifier(f"{source.path.stem}_{precision}")
    (path / f"{name}.c").write_text(_source_text(name, aligned(flatbuffer)))
    _write_header(path, name, files.read_bytes(aligned(flatbuffer), name), None)
    return made


def _operators(summary: files.Summary) -> set[str]:
    """Of all graphs: the resolver must know those in loops too."""
    return {operator.name for _, operators in summary.graphs for operator in operators}


def embed(path: Path, contract: Contract) -> None:
    """Write the header again, with the contract as a comment and as constants."""
    name = _name(path)
    summary = files.read_bytes(payload(path), str(path))
    _write_header(path, name, summary, contract)


def look(path: Path) -> Look:
    """What the C text says: the array's bytes, and the contract in the header."""
    summary = files.read_bytes(payload(path), str(path))
    header = (path / f"{_name(path)}.h").read_text(encoding="utf-8")
    found = re.search(rf"^ \* {re.escape(Contract.KEY)}: (.*)$", header, re.MULTILINE)
    contract = Contract.from_json(found[1], source=str(path)) if found else None
    return lone.seen(summary, contract, summary.bytes)


def session(path: Path, runtime: str) -> lone.Session:
    """The array's bytes, read back from the C text, on the kernels that TFLM's portable ones are made from."""
    return lone.stepped(lone.of_bytes(payload(path), str(path), runtime), look(path).contract)


def payload(path: Path) -> bytes:
    """The flatbuffer, from the text of the array.

    Raises:
        Refused: the text is not what `convert` writes.
    """
    file = path / f"{_name(path)}.c"
    text = file.read_text()
    try:
        body = text[text.index("= {") + 3 : text.rindex("};")]
        return bytes.fromhex(body.replace("0x", "").replace(",", ""))
    except ValueError as error:
        raise Refused(
            "export: the C array must be as it was written.", received=f"{file}: {error}", fix="export it again"
        ) from error


def _name(path: Path) -> str:
    return next(path.glob("*.c")).stem


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    # C keeps names that begin with an underscore for itself.
    return name if name[0].isalpha() else f"model_{name.lstrip('_')}"


def _source_text(name: str, data: bytes) -> str:
    rows = (data[i : i + _BYTES_A_LINE] for i in range(0, len(data), _BYTES_A_LINE))
    body = "\n".join("    " + "0x" + row.hex(",").replace(",", ", 0x") + "," for row in rows)
    return (
        f'#include "{name}.h"\n\n'
        f"/* TensorFlow Lite reads weights in place, so the array must not start anywhere. */\n"
        f"const unsigned char {name}[{len(data)}] EDGEPROOF_ALIGN_16 = {{\n{body}\n}};\n"
        f"const unsigned int {name}_len = {len(data)};\n"
    )


def _write_header(path: Path, name: str, summary: files.Summary, contract: Contract | None) -> None:
    (path / f"{name}.h").write_text(_header_text(name, summary, contract), encoding="utf-8")


def _header_text(name: str, summary: files.Summary, contract: Contract | None) -> str:
    upper = name.upper()
    operators = sorted(_operators(summary))
    adds = " \\\n".join(f"    (resolver).{METHODS[op]}();" for op in operators)
    ends = [_end(upper, "INPUT", i, summary.tensors[t]) for i, t in enumerate(summary.inputs)]
    ends += [_end(upper, "OUTPUT", i, summary.tensors[t]) for i, t in enumerate(summary.outputs)]
    title = contract.title if contract and contract.title else name
    return f"""/* {_comment(title)} for TensorFlow Lite for Microcontrollers, by Edgeproof.
{_contract_comment(contract)} */
#ifndef {upper}_H
#define {upper}_H

#if defined(__GNUC__) || defined(__clang__)
#define EDGEPROOF_ALIGN_16 __attribute__((aligned(16)))
#elif !defined(EDGEPROOF_ALIGN_16)
#error "define EDGEPROOF_ALIGN_16 for this compiler"
#endif

#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char {name}[{summary.bytes}] EDGEPROOF_ALIGN_16;
extern const unsigned int {name}_len;

/* tflite::MicroMutableOpResolver<{upper}_OPERATORS> resolver; {upper}_ADD_OPERATORS(resolver) */
#define {upper}_OPERATORS {len(operators)}
#define {upper}_ADD_OPERATORS(resolver) \\
{adds}

/* Real value = (stored - ZERO_POINT) * SCALE. */
{"".join(ends)}{_constants(name, contract)}
#ifdef __cplusplus
}}
#endif

#endif
"""


def _end(upper: str, word: str, index: int, tensor: files.TensorInfo) -> str:
    prefix = f"{upper}_{word}" + (str(index) if index else "")
    size = int(np.prod([side or 1 for side in tensor.shape]))
    what = f"{_comment(tensor.name)}, {'x'.join(map(str, tensor.shape))} {tensor.dtype}"
    text = f"#define {prefix}_SIZE {size} /* {what} */\n"
    if len(tensor.scale) == 1:
        text += f"#define {prefix}_SCALE {tensor.scale[0]!r}f\n#define {prefix}_ZERO_POINT ({tensor.zero_point[0]})\n"
    return text


def _contract_comment(contract: Contract | None) -> str:
    if contract is None:
        return ""
    # JSON may escape both characters, after which the text neither ends the comment nor begins another.
    json = contract.to_json().replace("*/", "*\\/").replace("/*", "/\\u002a")
    return f" * {Contract.KEY}: {json}\n"


def _comment(text: str) -> str:
    """Text on one line that neither ends the comment it stands in nor begins another."""
    return " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *")


def _string(text: str) -> str:
    """A C string literal: what is not plain ASCII as octal bytes of UTF-8, and ? escaped, or ??/ were a backslash."""
    plain = {ord(c): c for c in map(chr, range(32, 127))} | {ord(c): f"\\{c}" for c in '"\\?'}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text.encode()) + '"'


def _constants(name: str, contract: Contract | None) -> str:
    if contract is None:
        return ""
    quoted = ", ".join(map(_string, contract.labels))
    labels = f"static const char *const {name}_labels[{len(contract.labels)}] = {{{quoted}}};\n" if quoted else ""
    score = contract.score
    reached = (
        f"{score.metric} {score.value:.4f} on {score.n} samples of {score.data} {score.split}" if score else "unknown"
    )
    return f"""
/* What the model is: recipe, checkpoint, the checkpoint's score. */
struct {name}_contract {{ const char *recipe, *checkpoint_sha256, *checkpoint_score; }};
static const struct {name}_contract {name}_contract = {{
    {_string(contract.provenance.recipe)},
    {_string(contract.provenance.checkpoint_sha256)},
    {_string(reached)},
}};
{labels}"""


FORMAT = Format(
    title="C array for TensorFlow Lite for Microcontrollers",
    precisions=("int8",),
    suffix=".tflm",
    runtimes=("reference",),
    convert=convert,
    embed=embed,
    look=look,
    session=session,
    integers=TfliteIntegers,
    flash=lambda data: len(aligned(data)),
)
