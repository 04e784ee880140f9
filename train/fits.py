"""How systems are trained: the settings of each objective in `train/objectives/`, which each names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Steps:
    """Stochastic gradients.

    Attributes:
        epochs, batch: passes over the training split, samples a step.
        optimizer: "adamw" or "sgd" (momentum 0.9).
        learning_rate: the peak; a cosine takes it to zero at the end (Loshchilov and Hutter 2017).
        weight_decay: decoupled, a step, times the learning rate.
        clip: longest that all gradients together may be, else they are shortened to it (Pascanu, Mikolov, Bengio 2013);
            0: of any length.
    """

    epochs: int = 12
    batch: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 0.0


@dataclass(frozen=True)
class Augmented(Steps):
    """Stochastic gradients on pictures and sounds that are changed a little each time (`train.augment`).

    Attributes:
        shift: largest shift of a training picture, in pixels of the input, each way.
        rotate: largest rotation of a training picture, in degrees, each way.
        pad: zeros around a training picture, of which a window of its own size is cut at random.
        crop: side of the window of a training picture, at a random place, that is shown enlarged; 1: the whole.
        flip: half of the training pictures are shown left for right.
        lighting: spread of the change of a training picture along each axis of colour, in the pixels' own along it.
        tract: largest shift of a training sound along its bands, each way: a longer or shorter vocal tract.
        late: largest shift in frames, each way.
        loud: largest change of all bands, each way, in the input's units.
        mask_bands, mask_frames: widest stripe of bands, and of frames, that is taken out.
    """

    shift: float = 0.0
    rotate: float = 0.0
    pad: int = 0
    crop: float = 1.0
    flip: bool = False
    lighting: float = 0.0
    tract: float = 0.0
    late: int = 0
    loud: float = 0.0
    mask_bands: int = 0
    mask_frames: int = 0


@dataclass(frozen=True)
class Supervised(Augmented):
    """Minimise a loss between outputs and labels.

    Attributes:
        loss: "cross_entropy"; "squared", of numbers; or "map", LeCun 1998's discriminative criterion (with `rubbish`).
        rubbish: the constant penalty j of the "map" loss.
    """

    objective: ClassVar[str] = "train.objectives.supervised:Supervised"

    loss: str = "cross_entropy"
    rubbish: float = 1.0


@dataclass(frozen=True)
class Framewise(Steps):
    """Minimise the cross-entropy of each time step's class, or of what is so of it where the model tells attributes."""

    objective: ClassVar[str] = "train.objectives.framewise:Framewise"


@dataclass(frozen=True)
class NextToken(Steps):
    """Minimise the cross-entropy of each token, given those before it."""

    objective: ClassVar[str] = "train.objectives.next_token:NextToken"


@dataclass(frozen=True)
class NextNote(NextToken):
    """Likewise of the tokens of a score."""

    objective: ClassVar[str] = "train.objectives.next_note:NextNote"


@dataclass(frozen=True)
class Answering(Steps):
    """Minimise the cross-entropy of each token of an answer, given the true ones before it, its end among them.

    Attributes:
        script: what the tokens of texts are: "characters", "words" or "pairs", byte pairs.
        beam: hypotheses that the card's answers are searched with, beside the likeliest token always.
        smoothing: share of a token's truth that is spread over all tokens (Szegedy et al. 2016, "Rethinking the
            inception architecture for computer vision", section 7).
    """

    objective: ClassVar[str] = "train.objectives.answering:Answering"

    script: str = "characters"
    beam: int = 4
    smoothing: float = 0.0


@dataclass(frozen=True)
class Recursive(Steps):
    """Minimise the cross-entropy of every phrase of a tree, and tell its phrases from what is none.

    Attributes:
        parsing: weight of the second, by which sentences are parsed.
    """

    objective: ClassVar[str] = "train.objectives.recursive:Recursive"

    parsing: float = 0.1


@dataclass(frozen=True)
class Transcription(Augmented):
    """Maximise the probability of a string, over all paths that spell it."""

    objective: ClassVar[str] = "train.objectives.transcription:Transcription"


@dataclass(frozen=True)
class Ranking(Steps):
    """Minimise the multinomial cross-entropy of the items that a user liked later (Liang et al. 2018, equation 2)."""

    objective: ClassVar[str] = "train.objectives.ranking:Ranking"


@dataclass(frozen=True)
class SkipGram(Steps):
    """Tell the words around a word from words drawn at random (Mikolov, Sutskever et al. 2013, section 2.2).

    Attributes:
        window: farthest that a context is, in words; how far is drawn for each word anew.
        noise: words drawn for each context met.
        power: of a word's frequency, with which it is drawn.
        subsampling: frequency above which occurrences are left out at random (section 2.3); 0: none is.
    """

    objective: ClassVar[str] = "train.objectives.skip_gram:SkipGram"

    window: int = 5
    noise: int = 5
    power: float = 0.75
    subsampling: float = 1e-3


@dataclass(frozen=True)
class Reconstruction(Augmented):
    """Minimise the difference between input and output "reconstruction".

    Attributes:
        loss: "bernoulli", cross-entropy summed over pixels, or "squared", summed too.
        noise: standard deviation of what is added to the input, which is to be reconstructed without it.
        masking: share of the input that is set to zero, likewise (Vincent et al. 2008).
        quantile: of the training samples' errors that an anomaly detector's threshold is put at.
    """

    objective: ClassVar[str] = "train.objectives.reconstruction:Reconstruction"

    loss: str = "bernoulli"
    epochs: int = 30
    noise: float = 0.0
    masking: float = 0.0
    quantile: float = 0.99


@dataclass(frozen=True)
class Greedy(Supervised):
    """Layer by layer without labels, each on the last one's output; then the classifier alone; then all of it.

    Attributes:
        pretraining: what each hidden layer is taught as: "rbm" (Hinton, Osindero, Teh 2006), "autoencoder" with tied
            weights (Bengio et al. 2007), or "none".
        pretraining_epochs: of each layer.
        pretraining_rate: learning rate of each layer.
        masking: share of an autoencoder's input that is set to zero.
        classifier_epochs: of the last layer alone, on what the others give.
        epochs: of the whole system.
        labelled: share of the training split's labels that the last two stages may see.
    """

    objective: ClassVar[str] = "train.objectives.greedy:Greedy"

    pretraining: str = "rbm"
    pretraining_epochs: int = 10
    pretraining_rate: float = 0.05
    masking: float = 0.0
    classifier_epochs: int = 0
    epochs: int = 20
    labelled: float = 1.0


@dataclass(frozen=True)
class Masked(Supervised):
    """Tell masked words of texts without labels, then classify (Devlin et al. 2018).

    Attributes:
        pretraining_epochs, pretraining_batch, pretraining_rate: of the first; 0 epochs leave it out.
        masking: share of the words that are chosen to be told.
        epochs, batch, learning_rate: of the second.
    """

    objective: ClassVar[str] = "train.objectives.masked:Masked"

    pretraining_epochs: int = 8
    pretraining_batch: int = 64
    pretraining_rate: float = 1e-3
    masking: float = 0.15


@dataclass(frozen=True)
class Distilled(Steps):
    """Learn from a teacher, which is trained first (Jiao et al. 2020, "TinyBERT", section 3).

    Attributes:
        distilling_epochs, distilling_rate: of what lies between the ends: embeddings, attention, hidden vectors.
        epochs, learning_rate: of the teacher's answers.
        temperature: that both their logits are divided by.
        until: word before which each text without a label is cut, "" none: what only such texts tell must not be what
            the student reads.
        teacher_pretraining, teacher_epochs: the teacher's own `pretraining_epochs` and `epochs`.
    """

    objective: ClassVar[str] = "train.objectives.distilled:Distilled"

    distilling_epochs: int = 4
    distilling_rate: float = 2e-3
    temperature: float = 1.0
    until: str = ""
    teacher_pretraining: int = 0
    teacher_epochs: int = 30


@dataclass(frozen=True)
class Contrastive:
    """Contrastive divergence for a restricted Boltzmann machine (Hinton 2010, "A practical guide to training ...").

    Attributes:
        epochs, batch: passes over the training split, samples a step.
        learning_rate: of weights and biases; it falls to zero along a cosine.
        steps: of Gibbs sampling between data and model, the k of CD-k.
        persistent: the model's samples go on from those of the step before (Tieleman 2008).
        momentum_first, momentum: of the first `momentum_after` epochs, and of those after them.
        weight_decay: of the weights, a step, times the learning rate.
    """

    objective: ClassVar[str] = "train.objectives.contrastive:Contrastive"

    epochs: int = 20
    batch: int = 64
    learning_rate: float = 0.05
    steps: int = 1
    persistent: bool = False
    momentum_first: float = 0.5
    momentum: float = 0.9
    momentum_after: int = 5
    weight_decay: float = 2e-4


@dataclass(frozen=True)
class WakeSleep:
    """The wake-sleep algorithm for a Helmholtz machine (Hinton, Dayan, Frey, Neal 1995).

    Attributes:
        epochs, batch: passes over the training split, samples a step.
        learning_rate: of the delta rule; it falls to zero along a cosine.
    """

    objective: ClassVar[str] = "train.objectives.wake_sleep:WakeSleep"

    epochs: int = 60
    batch: int = 32
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Dictionary(Steps):
    """Dictionary learning by alternation, then an encoder that predicts the codes.

    Attributes:
        dictionary_epochs: passes of sparse codes for all samples and an update of all atoms.
        epochs: of the encoder.
        iterations: most of FISTA (Beck and Teboulle 2009) for each code, which begins where the last pass ended.
    """

    objective: ClassVar[str] = "train.objectives.dictionary:Dictionary"

    dictionary_epochs: int = 20
    epochs: int = 15
    iterations: int = 40
    batch: int = 128
    learning_rate: float = 2e-3
