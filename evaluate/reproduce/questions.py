"""What the study asks of the models, as data: which models, which scores, which tests.

The figures are those of Koo & Ploenzke 2021, doi 10.1038/s42256-020-00291-x.
"""

from typing import Final, Literal, NamedTuple

from ...zoo.architectures import ARCHITECTURES
from ...zoo.layers import ACTIVATIONS
from ..protocol import METHODS

REFERENCE: Final = "exponential"  # the activation that the study proposes: every other one is tested against it
PLAIN: Final = ("relu", "exponential", "sigmoid", "tanh", "softplus", "linear", "elu")

Group = Literal["plain", "beside", "modified", "control"]


class Question(NamedTuple):
    """One section of the page: scores of a group of models on one data set.

    `link` is the title in one or two words; of questions with the same one, the first is linked to. `metrics` are names
    of the metric table. `group`: the seven activations of the main comparison; the same on data that is not in it;
    these and all others; or the controls and the models that they are controls of.
    """

    id: str
    link: str
    title: str
    text: str
    dataset: str
    metrics: tuple[str, ...]
    group: Group = "plain"


class Trade(NamedTuple):
    """A section that sets classification against what a person can read: one plot a metric and architecture."""

    id: str
    title: str
    dataset: str
    metrics: tuple[str, ...]


def _maps(score: str) -> tuple[str, ...]:
    return tuple(f"attribution/{method}/{score}" for method in METHODS)


# Data sets of one factor, the factor, and what of it they hold as far as is known.
_FACTORS: Final = (
    ("chip-rest", "REST", "ChIP-seq peaks"),
    ("chip-gabpa", "GABPA", "ChIP-seq peaks"),
    ("chip-lef1", "LEF1", "ChIP-seq peaks"),
    ("tfbs-tp53", "TP53", "Binding sites"),
    ("chip-irf1", "IRF1", "ChIP-seq peaks"),
    ("chip-zbed2", "ZBED2", "ChIP-seq peaks"),
)

# Any of the sections that say so may be the first of its kind on a page: the others' networks may have no model.
_MODIFIED: Final = (
    "Shifted, scaled, exponential and logarithmic versions of the activations, beside the activations they are "
    "made of; \u201c-l2\u201d is a penalty on the first layer's kernel. All are tested against exponential, and "
    "p-values corrected for all these tests: what is told apart among the seven above may not be among so many."
)
_CONTROLS: Final = (
    "\u201c-shuffled\u201d models were trained on shuffled labels: there was nothing to learn, so what they score "
    "is due to chance and to the network's design. Each is tested against the model that it is a control of; "
    "nothing is tested against exponential here."
)

QUESTIONS: Final = (
    Question(
        "motifs",
        "Planted motifs",
        "Which activations give filters that match the planted motifs?",
        "The question of the study's figure 1c. Each sequence holds some of twelve planted motifs; a filter matches "
        "when Tomtom finds one of them for it (E \u2264 0.1).",
        "synthetic-motifs",
        ("filters/match_fraction", "filters/match_any"),
    ),
    Question(
        "real",
        "Real DNA",
        "Does it hold on real DNA?",
        "The question of figure 1d, here on DNase hypersensitive sites of four cell types. Nobody knows all motifs in "
        "them: matched are any motif of JASPAR 2016, and motifs of factors known to act in these cells.",
        "dhs-4cell",
        ("filters/match_any", "filters/target_match"),
    ),
    Question(
        "maps",
        "Attribution",
        "Which activations give attribution maps that find the planted motifs?",
        "The question of figure 2. Each position's score is compared with whether a motif was planted there.",
        "synthetic-codes",
        (*_maps("auroc"), *_maps("aupr")),
    ),
    *(
        Question(
            dataset,
            "One factor",
            f"{sites} of {factor}",
            f"{sites} of one factor. Filters are compared with the motifs that the data card names, attribution maps "
            "with a scan for them, which is no ground truth.",
            dataset,
            ("filters/target_match", "attribution/saliency/scan_auroc", "attribution/mutagenesis/scan_auroc"),
            "beside",
        )
        for dataset, factor, sites in _FACTORS
    ),
    Question(
        "modified-motifs",
        "Modified: filters",
        "Modified activations: filters",
        _MODIFIED,
        "synthetic-motifs",
        ("filters/match_fraction",),
        "modified",
    ),
    Question(
        "modified-codes",
        "Modified: maps",
        "Modified activations: filters and attribution maps",
        _MODIFIED,
        "synthetic-codes",
        ("filters/match_fraction", "attribution/saliency/auroc", "attribution/mutagenesis/auroc"),
        "modified",
    ),
    Question(
        "controls-motifs",
        "Controls: filters",
        "Controls: what filters match where there is nothing to learn",
        _CONTROLS,
        "synthetic-motifs",
        ("classification/auroc", "filters/match_fraction", "filters/match_any"),
        "control",
    ),
    Question(
        "controls-codes",
        "Controls: maps",
        "Controls: what attribution maps find where there is nothing to learn",
        _CONTROLS,
        "synthetic-codes",
        ("classification/auroc", "filters/match_fraction", *_maps("auroc")),
        "control",
    ),
)

TRADES: Final = (
    Trade("trade-motifs", "Classification and filters", "synthetic-motifs", ("filters/match_fraction",)),
    Trade("trade-real", "Classification and filters, real DNA", "dhs-4cell", ("filters/match_any",)),
    Trade("trade-codes", "Classification and attribution maps", "synthetic-codes", _maps("auroc")),
)


def unmodified(label: str) -> str | None:
    """What a modified activation or a variant is made of: relu of shift_scale_relu, log_relu of log_relu-l2; None for
    what is not modified."""
    activation, dash, _ = label.partition("-")
    if dash:
        return activation
    base = activation.rpartition("_")[2]
    return base if base != activation and activation in ACTIVATIONS else None


def place(architecture: str, label: str) -> tuple[int, str, int, str]:
    """Where a model stands among others: architectures and activations in the zoo's order, unknown ones last."""
    architectures = list(ARCHITECTURES)
    activation = label.partition("-")[0]
    return (
        architectures.index(architecture) if architecture in architectures else len(architectures),
        architecture,
        ACTIVATIONS.index(activation) if activation in ACTIVATIONS else len(ACTIVATIONS),
        label,
    )


def kind_of(label: str) -> Literal["reference", "other", "modified"]:
    """How a model is drawn."""
    if label == REFERENCE:
        return "reference"
    return "other" if label in PLAIN else "modified"
