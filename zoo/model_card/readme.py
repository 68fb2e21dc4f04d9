"""README.md: the Hugging Face model card of a model."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from ...data_cards.cards import Card, load_card
from ...errors import UnknownNameError
from ..architectures import layers
from ..config import ModelConfig, Trial
from ..glossary import ACTIVATIONS, ARCHITECTURES, is_control, unusual
from ..layer_rows import LayerRow, layer_rows
from ..names import parse
from ..recipe import Training, find
from ..shapes import plan
from .curve import Histories
from .front_matter import front_matter
from .limits import bullets, limits
from .scores import FILTERS, Scores
from .tables import NONE, code, filter_table, plain, score_table, shown, table, trial_table
from .twins import Twins, tell_twins

_PAPER: Final = (
    "Koo, P. K. & Ploenzke, M. Improving representations of genomic sequence motifs in convolutional networks with "
    "exponential activations. Nature Machine Intelligence 3, 258-266 (2021). doi 10.1038/s42256-020-00291-x"
)
_MOTIFS: Final = (
    "Mathelier, A. et al. JASPAR 2016: a major expansion and update of the open-access database of transcription "
    "factor binding profiles. Nucleic Acids Research 44, D110-D115 (2016). doi 10.1093/nar/gkv1176",
    "Gupta, S., Stamatoyannopoulos, J. A., Bailey, T. L. & Noble, W. S. Quantifying similarity between motifs. Genome "
    "Biology 8, R24 (2007). doi 10.1186/gb-2007-8-2-r24 (Tomtom)",
)
_SOFTWARE: Final = (
    "motifzoo contributors. motifzoo: a model zoo and evaluation harness for genomic CNNs whose motifs a person can "
    "read."
)
_SETTINGS: Final = {
    "epochs": "epochs, at most",
    "batch_size": "batch size",
    "learning_rate": "learning rate (Adam)",
    "beta1": "Adam's beta 1",
    "beta2": "Adam's beta 2",
    "eps": "Adam's epsilon",
    "l2": "L2 on conv and dense kernels",
    "layer1_l2": "L2 on the first kernel, where it differs",
    "decay_factor": "learning rate drops by the factor",
    "decay_patience": "after this many epochs without a better validation score",
    "decay_margin": "better by more than",
    "decay_floor": "lowest learning rate",
    "stop_patience": "stops after this many epochs without any better score",
    "reverse_complements": "trained on both strands",
    "shuffled_labels": "labels shuffled (a control)",
}


class Picture(NamedTuple):
    """An image beside the card: its file name, and what its lines are."""

    file: str
    caption: str


def readme(
    config: ModelConfig,
    scores: Scores | None,
    folder: Path,
    *,
    curve: Picture | None,
    histories: Histories,
    twins: Twins,
) -> str:
    """The text of README.md: YAML front matter, then everything that a user of the model must know.

    curve: the learning curves as a picture, None where there are none. histories: the same as numbers, by trial.
    twins: trials of any models that share their weights.
    """
    card = load_card(config.dataset.name)
    sections = [
        f"# {config.name}",
        _what(config, card),
        _use(config, card),
        _loading(config),
        _layers(config),
        _scores(config, scores),
        _filters(scores, folder),
        _data(config, card),
        _training(config, card),
        _trials(config, card),
        tell_twins(config, twins),
        _curve(curve),
        limits(config, card, histories),
        _licence(config, card),
        _citation(card),
    ]
    return f"---\n{front_matter(config, card, scores)}\n---\n\n" + "\n\n".join(filter(None, sections)) + "\n"


def _what(config: ModelConfig, card: Card) -> str:
    parameters = plan(config.layers, config.input_length).parameters
    design = _told(ARCHITECTURES, config.architecture) if _is_what_its_name_says(config) else ""
    sentences = [
        f"A genomic CNN: architecture {code(config.architecture)}{design} with "
        f"{parameters:,} parameters, first-layer activation {code(config.activation)}"
        f"{_told(ACTIVATIONS, config.activation)}, trained on {plain(card.title)}.",
        plain(card.summary),
    ]
    sentences += [f"**{sentence}**" for sentence in unusual(config.training)]
    return "\n".join(sentences)


def _told(words: Mapping[str, str], name: str) -> str:
    """What a name means, in brackets; nothing where motifzoo does not know it."""
    return f" ({words[name]})" if name in words else ""


def _use(config: ModelConfig, card: Card) -> str:
    made_for = (
        "It is made for studying which networks learn DNA motifs that a person can read: its filters, attribution maps "
        "and accuracy are there to be compared with those of the other models on the same data."
    )
    if is_control(config.training):
        made_for = (
            "It is made for showing what filters, attribution maps and scores look like where there was nothing to "
            "learn, and for nothing else."
        )
    not_for = (
        "It is not made for predicting regulatory activity of real DNA: all that it has seen is random sequences with "
        "planted motifs."
        if card.generator is not None
        else "It is not made for what its data does not hold: other cell types, species, assays or lengths, effects of "
        "variants, or any decision about a person. None of that was measured."
    )
    return f"## What it is for, and what it is not for\n\n{made_for}\n\n{not_for}"


def _is_what_its_name_says(config: ModelConfig) -> bool:
    """Whether the network is the one that motifzoo makes by its name: anybody may give one of their own any name."""
    try:
        name = parse(config.name)
    except UnknownNameError:
        return False
    made = layers(name.architecture, name.activation, length=config.input_length, outputs=len(config.outputs))
    return config.layers == made


def _address(config: ModelConfig) -> str:
    """What loads the model: its name or, where only its folder knows the design, the folder itself."""
    return config.name if _is_what_its_name_says(config) else "."


def _loading(config: ModelConfig) -> str:
    count, length = len(config.outputs), config.input_length
    text = f"""## Load it

```python
import motifzoo

model = motifzoo.load("{_address(config)}")  # one-hot (N, 4, {length}) float32 to logits (N, {count})
```

Channels are A, C, G, T; the network comes in eval mode."""
    if len(config.trials) > 1:
        last = config.trials[-1].trial
        text += f" `{_address(config)}:{last}` is trial {last}; without a number it is trial {config.trials[0].trial}."
    if _address(config) == ".":
        text += " `.` is the folder of this file: give its path, or work in it."
    text += f" Outputs, in their order: {_listed(config.outputs)}."
    if _address(config) != ".":
        text += (
            "\n\nA name finds what the installation holds; a wheel has the weights of few models. Those that motifzoo "
            "publishes are in a clone of its repository, whose folder `zoo/pretrained` the variable `MOTIFZOO_MODELS` "
            f'names. From a hub: `motifzoo.load("hf://ORG/{config.name}")`.'
        )
    return text


def _layers(config: ModelConfig) -> str:
    return f"## Layers\n\n{table(LayerRow('layer', 'kind', 'settings', 'output'), layer_rows(config))}"


def _listed(names: tuple[str, ...]) -> str:
    most = 24
    more = f" and {len(names) - most} more (config.json)" if len(names) > most else ""
    return plain(", ".join(names[:most])) + more


def _scores(config: ModelConfig, scores: Scores | None) -> str:
    command = f"```\nmotifzoo evaluate {_address(config)} --all-trials\n```"
    title = "## Scores"
    if scores is None:
        told = "The scores are not recorded here yet. This computes them from the weights and the data:"
        return f"{title}\n\n{told}\n\n{command}"
    parts = [
        title,
        f"On the test split, benchmark {code(scores.benchmark)}, protocol version {scores.protocol}.{_spread(config)}",
        score_table(scores),
    ]
    missing = [str(t.trial) for t in config.trials if t.trial not in {scored.trial for scored in scores.trials}]
    if missing:
        parts.append(f"Not recorded yet: the scores of trial{'s' if len(missing) > 1 else ''} {', '.join(missing)}.")
    parts += map(plain, scores.notes)
    if len(scores.trials) > 1:
        parts.append(f"Every trial:\n\n{trial_table(scores)}")
    parts.append(f"This computes each of these numbers anew, from the weights and the data:\n\n{command}")
    devices = ", ".join(sorted({trial.device for trial in scores.trials}))
    versions = ", ".join(f"{name} {version}" for name, version in scores.versions.items())
    parts.append(f"They were computed on {plain(devices)}, with {plain(versions)}.")
    return "\n\n".join(parts)


def _spread(config: ModelConfig) -> str:
    if len(config.trials) == 1:
        return ""
    mixed = len({trial.stacked for trial in config.trials}) > 1
    rounding = ", and in rounding: some trained alone and some in a stack" if mixed else " only"
    return f" The spread is over trials, which differ in their seed{rounding}; sd is the sample standard deviation."


def _filters(scores: Scores | None, folder: Path) -> str:
    if scores is None or not scores.filters:
        return ""
    total, trial = len(scores.filters), scores.trials[0].trial
    hits = sum(entry.hit for entry in scores.filters)
    true = sum(entry.true_motif is not None for entry in scores.filters)
    dead = sum(entry.dead is not None for entry in scores.filters)
    parts = [
        "## Filters",
        f"Trial {trial}: of {total} first-layer filters {hits} hit a motif of JASPAR 2016 (vertebrates) at "
        f"E <= {scores.e_threshold:g}, {true} of them a motif that the data card names; {dead} are dead.",
    ]
    if (folder / FILTERS).is_file():
        parts.append(
            f"![Logos of the first-layer filters of trial {trial}, each over the motif that it matches]({FILTERS})"
        )
    if hits:
        parts.append(filter_table(scores))
    return "\n\n".join(parts)


def _data(config: ModelConfig, card: Card) -> str:
    sizes = ", ".join(f"{name} {size:,}" for name, size in card.splits.items())
    rows = [
        ("data set", f"`{card.name}`, version {config.dataset.version}"),
        ("content fingerprint", f"`{config.dataset.fingerprint}`"),
        ("sequences", f"{card.length} nt; {sizes}" if sizes else f"{card.length} nt"),
        ("assay", plain(card.assay)),
        (
            "organism, genome build",
            plain(card.organism + (f"; {card.genome}" if card.genome != "none" else "")),
        ),
        ("source", plain(card.source)),
    ]
    return (
        f"## Training data\n\n{table(('', ''), rows)}\n\n"
        f"`motifzoo datasets show {card.name}` tells more; the fingerprint is checked whenever the data is loaded."
    )


def _training(config: ModelConfig, card: Card) -> str:
    settings = config.training
    if settings is None:
        return "## Training settings\n\nNot stated by whoever made the model."
    usual = Training()
    rows = []
    for field, label in _SETTINGS.items():
        value, default = getattr(settings, field), getattr(usual, field)
        rows.append((label, _setting(value), "" if value == default else _setting(default)))
    return (
        f"## Training settings\n\nSection 3 of motifzoo's protocol (`docs/protocol.md`). The validation score is "
        f"{card.monitor.upper()}, labels pooled; the weights are those after the last epoch.\n\n"
        f"{table(('setting', 'value', 'usual, where other'), rows)}\n\n{_command(config, settings)}"
    )


def _setting(value: object) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"


def _command(config: ModelConfig, settings: Training) -> str:
    try:
        known = any(recipe.training == settings for recipe in find(str(parse(config.name))))
    except UnknownNameError:
        known = False
    if not known:
        return "It comes from a recipe that is not part of motifzoo."
    ways: dict[str, list[int]] = {}
    for trial in config.trials:
        ways.setdefault(_way(trial), []).append(trial.trial)
    lines = [
        f"motifzoo train {config.name} {''.join(f'--trial {number} ' for number in numbers)}{way}".rstrip()
        for way, numbers in ways.items()
    ]
    return (
        "The same again, each trial with its number as its seed; the weights are equal to the last bit on a CPU of the "
        "same kind with the same version of PyTorch, and elsewhere those of another run with the same settings:\n\n"
        + "\n".join(("```", *lines, "```"))
    )


def _way(trial: Trial) -> str:
    """The options of `motifzoo train` that decide how a trial's training rounds."""
    options = {True: "--stacked", False: "--alone", None: ""}[trial.stacked]
    if trial.precision is not None:
        options = f"{options} --precision {trial.precision}".strip()
    if threads := re.fullmatch(r"cpu \(.*, ([0-9]+) threads?\)", trial.device):
        return f"{options} --threads {threads[1]}".strip()
    kind = trial.device.partition(" ")[0]
    return f"{options} --device {kind}".strip() if kind in ("cuda", "mps") else options


def _trials(config: ModelConfig, card: Card) -> str:
    monitor = card.monitor.upper()
    rows = [
        (
            str(trial.trial),
            str(trial.seed),
            NONE if trial.epochs is None else str(trial.epochs),
            shown(trial.score),
            plain(trial.device if trial.precision is None else f"{trial.device}, {trial.precision}"),
            NONE if trial.seconds is None else f"{trial.seconds:.0f} s",
            plain(trial.torch) if trial.torch else NONE,
            f"`{trial.sha256[:12]}`",
        )
        for trial in config.trials
    ]
    header = ("trial", "seed", "epochs", f"validation {monitor}", "device", "time", "torch", "weights")
    return f"## Trials\n\n{table(header, rows)}"


def _curve(curve: Picture | None) -> str:
    if curve is None:
        return ""
    return f"## Learning curve\n\n![Training loss and validation score by epoch. {curve.caption}]({curve.file})"


def _licence(config: ModelConfig, card: Card) -> str:
    covers = f" {plain(card.licence_covers)}." if card.licence_covers else ""
    return f"## Licence\n\nWeights and card: {plain(config.licence)}. Data: {plain(card.licence)}.{covers}"


def _citation(card: Card) -> str:
    groups = {
        "The study": [_PAPER],
        "The data": [plain(line) for line in card.citation.strip().splitlines() if line and line != _PAPER],
        "The motifs that its filters are compared with, and the comparison": _MOTIFS,
        "The software": [_SOFTWARE],
    }
    return "\n\n".join(["## Citation", *(f"{title}:\n\n{bullets(lines)}" for title, lines in groups.items() if lines)])
