"""A sequence in steps: a step graph called again and again, its states carried from one call to the next.

stream = edgeproof.load("keyword.step.int8.tflite").stream()
for frame in microphone:
    answer = stream.step(frame)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from edgeproof.backends import Port, Session, check_feed
from edgeproof.contract import Contract
from edgeproof.contract import Stream as Plan
from edgeproof.errors import Refused

Arrays = Mapping[str, np.ndarray]


class Stream:
    """One sequence on its way through a model. Streams of one model have each their own states.

    Attributes:
        inputs: what a whole sequence is made of: all but the states.
        frames: those of them that a step brings anew; the others are the sequence's constants.
        steps: calls since the start, or the last `reset`.
        states: name -> value now, in the graph's own type.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self.plan = plan
        self._session = session
        self._ins = {port.name: port for port in session.inputs}
        self._outs = {port.name: port for port in session.outputs}
        lost = [s.input for s in plan.states if s.input not in self._ins or s.output not in self._outs]
        lost += [e.output for e in plan.outputs if e.output not in self._outs]
        lost += [name for name in plan.constants if name not in self._ins]
        if lost:
            raise Refused(
                "stream: the graph must have the ends that its contract describes.",
                received=f"no {', '.join(lost)}",
                fix="export the file again; a contract is not meant to be edited by hand",
            )
        self.inputs = tuple(port for name, port in self._ins.items() if name not in {s.input for s in plan.states})
        self.frames = tuple(self._ins[name] for name in plan.frames(self._ins))
        self._order = [port.name for port in session.inputs]
        self._constants: dict[str, np.ndarray] = {}
        self.reset()

    def reset(self, constants: Arrays | None = None) -> None:
        """Forget the sequence: the states are as before its first step.

        Args:
            constants: of the next one, (batch, ...) by input name; None: those of the last. Others are passed over.
        """
        self.steps = 0
        self.states: dict[str, np.ndarray] = self._initial(1)
        if constants is not None:
            known = [name for name in self.plan.constants if name in constants]
            self._constants = {name: self._feed(self._ins[name], constants[name]) for name in known}

    def fork(self) -> Stream:
        """The same sequence so far, to go on with in another way."""
        other = copy.copy(self)
        other.states = dict(self.states)
        return other

    def begin(self, batch: int) -> None:
        """Before the first step: as many sequences side by side. Steps do it by themselves; later it does nothing."""
        if not self.steps:
            self.states = self._initial(batch)

    def _initial(self, batch: int) -> dict[str, np.ndarray]:
        return {s.input: _full(self._ins[s.input], s.initial, batch) for s in self.plan.states}

    def step(self, frames: Arrays | np.ndarray) -> dict[str, np.ndarray]:
        """Take the next `hop` time steps.

        Args:
            frames: (batch, hop, ...) by input name, real numbers or the graph's own type; an array for a single input.

        Returns:
            Outputs as real numbers, by name; those still within their delay are left out.

        Raises:
            Refused: more steps than a sequence may have, or no constants.
        """
        self._may_go_on()
        given = frames if isinstance(frames, Mapping) else {self.frames[0].name: frames}
        feeds = {port.name: self._feed(port, given[port.name]) for port in self.frames}
        self.begin(max((len(feed) for feed in feeds.values()), default=1))
        feeds |= self.states | self._constants
        results = self._session([np.ascontiguousarray(feeds[name]) for name in self._order])
        found = dict(zip(self._outs, results, strict=True))
        for state in self.plan.states:
            if self.steps >= state.delay:
                self.states[state.input] = _carried(
                    found[state.output], self._outs[state.output], self._ins[state.input]
                )
        self.steps += 1
        return {
            e.output: self._outs[e.output].decode(found[e.output]) for e in self.plan.outputs if self.steps > e.delay
        }

    def _feed(self, port: Port, value: np.ndarray) -> np.ndarray:
        value = np.asarray(value)
        check_feed(port, value)
        return value if value.dtype == port.dtype else port.encode(value)

    def _may_go_on(self) -> None:
        longest = self.plan.longest
        if longest and self.steps >= longest:
            raise Refused(
                "stream: a sequence may have no more steps than its graph remembers.",
                received=f"a step after {self.steps}",
                fix="reset the stream where the next sequence begins",
            )
        if len(self._constants) < len(self.plan.constants):
            raise Refused(
                "stream: what stays the same in all steps must be there before the first.",
                received=f"nothing for {', '.join(self.plan.constants)}",
                fix="pass it to reset, as in stream.reset({name: value})",
            )

    def over(self, sequence: Arrays) -> Iterator[dict[str, np.ndarray]]:
        """Each step's outputs for a sequence (batch, time, ...); time steps that fill no hop are left over."""
        frames = {port.name: sequence[port.name] for port in self.frames}
        time = min(value.shape[1] for value in frames.values())
        hop = self.plan.hop
        for start in range(0, time - hop + 1, hop):
            yield self.step({name: value[:, start : start + hop] for name, value in frames.items()})

    def __call__(self, sequence: Arrays) -> dict[str, np.ndarray]:
        """What the whole model gives for a sequence (batch, time, ...) and its constants: `reset`, then every step.

        Raises:
            Refused: too short to give an output.
        """
        self.reset(sequence)
        for port in self.frames:
            time = np.shape(sequence[port.name])[1:2]
            if not time:
                check_feed(port, np.asarray(sequence[port.name]))
        emitted: dict[str, list[np.ndarray]] = {e.output: [] for e in self.plan.outputs}
        for outputs in self.over(sequence):
            for name, value in outputs.items():
                emitted[name].append(value)
        short = [name for name, values in emitted.items() if not values]
        if short:
            need = max(e.delay for e in self.plan.outputs) + 1
            raise Refused(
                "stream: a sequence must be long enough for an output.",
                received=f"{self.steps} steps of {self.plan.hop}, and nothing for {', '.join(short)}",
                fix=f"pass at least {need * self.plan.hop} time steps",
            )
        return {
            e.output: np.concatenate(emitted[e.output], axis=1) if e.frames else emitted[e.output][-1]
            for e in self.plan.outputs
        }


class Following:
    """The logits of the token behind each of several rows of tokens, by steps.

    A row that goes on where one of the call before ended is stepped from there: whichever of its rows a search keeps,
    their states go with them.

    Args:
        start: before the first token.
        decoded: from a step's outputs to logits (1, 1, tokens).
    """

    def __init__(self, start: Stream, decoded: Callable[[Mapping[str, np.ndarray]], np.ndarray]) -> None:
        self._start = start
        self._decoded = decoded
        self._known: dict[tuple[int, ...], Stream] = {}

    def __call__(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits (rows, tokens) for rows of one token or more, each longer than those that it goes on from."""
        known, found = {}, []
        for row in map(tuple, rows):
            begun = max((key for key in self._known if row[: len(key)] == key and key != row), key=len, default=())
            stream = self._known.get(begun, self._start).fork()
            outputs: Mapping[str, np.ndarray] = {}
            for token in row[len(begun) :]:
                outputs = stream.step(np.array([[token]], np.int32))
            known[row] = stream
            found.append(self._decoded(outputs)[0, -1])
        self._known = known
        return np.stack(found)


def plan_of(contract: Contract | None) -> Plan | None:
    """How the steps of a file belong together; None when it holds no step."""
    return contract.graph().stream if contract else None


def required(contract: Contract | None) -> Plan:
    """As `plan_of`.

    Raises:
        Refused: it is no step file.
    """
    plan = plan_of(contract)
    if plan is None:
        raise Refused(
            "stream: the file must hold a step, with its states as inputs and outputs.",
            received="a file without a contract" if contract is None else f'the graph "{contract.graph().name}"',
            fix="export it with --streaming, or run it on whole sequences",
        )
    return plan


def _full(port: Port, initial: float, batch: int) -> np.ndarray:
    shape = tuple(batch if side is None else side for side in port.shape)
    with np.errstate(over="ignore"):
        return port.encode(np.full(shape, initial, np.float32))


def _carried(value: np.ndarray, out: Port, into: Port) -> np.ndarray:
    """A new state as the next step takes it: the very integers where both ends mean the same by them."""
    if (out.dtype, out.scale, out.zero_point) == (into.dtype, into.scale, into.zero_point):
        return value
    return into.encode(out.decode(value))
