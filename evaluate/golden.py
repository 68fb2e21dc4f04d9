"""Golden values: what a network gives for eight fixed sequences, computed as every score is.

`python -m motifzoo.evaluate.golden [MODEL...]` writes them into model folders; `zoo.golden` says what the file holds,
`motifzoo doctor` compares.
"""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click
import numpy as np
import torch
from numpy.random import RandomState

from ..data_cards.cards import list_datasets, load_card
from ..data_cards.motifs import jaspar2016
from ..data_cards.onehot import Codes, decode, from_onehot, to_onehot
from ..data_cards.synthetic import Grammar, both_strands, draw
from ..errors import ModelError, MotifzooError
from ..zoo.builder import Network
from ..zoo.config import ModelConfig
from ..zoo.device import describe_device, float32_arithmetic, pick_device
from ..zoo.golden import (
    METHODS,
    MOST_ROUNDING,
    SEQUENCES,
    SHUFFLES,
    Golden,
    GoldenFacts,
    read_golden,
    seal,
    write_golden,
)
from ..zoo.load import load_source
from ..zoo.sources import Source, find, is_pattern, matching_names
from ..zoo.weights import Arrays
from .attribution.methods import attribute, position_scores
from .attribution.shuffles import shuffled
from .drift import QUANTITIES
from .filters import filter_matrices
from .protocol import PROTOCOL
from .run import versions
from .targets import known_names
from .upkeep import for_each

_SEED: Final = 8
_COUNTS: Final = (0.0, 0.5, 0.25, 0.17, 0.05, 0.3)  # one to five motifs a sequence, as in synthetic-motifs
_FEWEST: Final = 1


def golden_sequences(config: ModelConfig) -> Codes:
    """Eight sequences for a model, `(8, L)`: random DNA with motifs planted that its data set's card names.

    Of all of JASPAR 2016 where the card names none or there is no card; without any where none fits the length. Drawn
    with NumPy's frozen legacy generator, so no data set is needed.
    """
    random = RandomState(_SEED)
    length = config.input_length
    wanted: set[str] = set()
    if config.dataset.name in list_datasets():
        card = load_card(config.dataset.name)
        wanted = {identifier for ids in (card.ground_truth or known_names(card)).values() for identifier in ids}
    fitting = [motif for motif in jaspar2016() if motif.probabilities.shape[1] < length]
    pool = [motif for motif in fitting if motif.id in wanted] or fitting
    if not pool:
        return random.randint(4, size=(SEQUENCES, length)).astype(np.uint8)
    return draw(random, both_strands(pool), SEQUENCES, Grammar(length, _COUNTS, _FEWEST, 1.0)).codes


def filter_sequences(codes: Codes) -> Codes:
    """The sequences that golden filter matrices are of: these `(n, L)`, then `SHUFFLES` shuffles of each."""
    others = shuffled(torch.from_numpy(to_onehot(codes)), np.arange(len(codes)), SHUFFLES)
    return np.concatenate([codes, from_onehot(others.flatten(0, 1).numpy())])


@float32_arithmetic()
def compute(network: Network, codes: Codes) -> tuple[Arrays, dict[str, str]]:
    """A network's golden values for sequences `(n, L)`, on its device; and the reasons for those that it has not.

    A value is left out where the network has none, such as DeepSHAP behind attention, and where it is not finite.
    """
    makers: dict[tuple[str, ...], Callable[[Network, Codes], Iterable[np.ndarray]]] = {
        ("logits",): _logits,
        ("maxima", "counts"): _filters,
        **{(method,): _scores_by(method) for method in METHODS},
    }
    arrays: Arrays = {}
    left_out: dict[str, str] = {}
    for names, make in makers.items():
        try:
            found = dict(zip(names, make(network, codes), strict=True))
        except MotifzooError as error:
            left_out |= dict.fromkeys(names, str(error))
            continue
        for name, array in found.items():
            bad = int(np.count_nonzero(~np.isfinite(array)))
            if bad:
                left_out[name] = f"{bad} of {array.size} values are not finite."
            else:
                arrays[name] = array.astype(np.float32, copy=False)
    return arrays, left_out


def _logits(network: Network, codes: Codes) -> Iterable[np.ndarray]:
    device = next(network.parameters()).device
    with torch.inference_mode():
        yield network(torch.from_numpy(to_onehot(codes)).to(device)).cpu().numpy()


def _filters(network: Network, codes: Codes) -> Iterable[np.ndarray]:
    found = filter_matrices(network, filter_sequences(codes))
    return found.maximum, found.counts


def _scores_by(method: str) -> Callable[[Network, Codes], Iterable[np.ndarray]]:
    def scores(network: Network, codes: Codes) -> Iterable[np.ndarray]:
        onehot = to_onehot(codes)
        yield position_scores(method, attribute(network, onehot, method=method), onehot)

    return scores


def rounding(network: Network, codes: Codes, arrays: Arrays) -> dict[str, float]:
    """How far golden values are from the same in float64, by `drift.Quantity.size`, at most `MOST_ROUNDING`; of those
    that float32 rounds.

    Some activations lose most digits (500 tanh(x - 6) + 500 is a difference of large numbers), others none.
    """
    exact = copy.deepcopy(network).double()
    onehot = to_onehot(codes).astype(np.float64)
    found: Arrays = {}
    with torch.inference_mode():
        found["logits"] = exact(torch.from_numpy(onehot)).numpy()
        maps = exact.feature_maps(torch.from_numpy(to_onehot(filter_sequences(codes)).astype(np.float64)))
        found["maxima"] = maps.amax(dim=(0, 2)).numpy()
    for method in METHODS:
        if method in arrays and method != "deepshap":  # which is float64 in any case
            found[method] = position_scores(method, attribute(exact, onehot, method=method), onehot)
    sizes = {name: QUANTITIES[name].size(array, found[name]) for name, array in arrays.items() if name in found}
    return {name: min(size, MOST_ROUNDING) for name, size in sizes.items() if math.isfinite(size)}


def golden_values(source: Source) -> Golden:
    """The golden values of one trial, computed here on the CPU. Raises what loading the model raises."""
    codes = golden_sequences(source.config)
    network = load_source(source)
    arrays, left_out = compute(network, codes)
    facts = GoldenFacts(
        model=source.config.name,
        trial=source.trial,
        sha256=source.sha256,
        values="0" * 64,  # sealed below, when all else is said
        protocol=PROTOCOL,
        sequences=tuple(decode(codes)),
        versions=versions(),
        device=describe_device(pick_device("cpu")),
        left_out=left_out,
        rounding=rounding(network, codes, arrays),
    )
    return Golden(facts.model_copy(update={"values": seal(facts, arrays)}), arrays)


def sources_of(wanted: Sequence[str], *, packaged: bool = False) -> list[Source]:
    """The models that shell-style patterns of names, names and folders mean, each once; all without any.

    packaged: names are those of packaged models alone, whatever MOTIFZOO_MODELS adds.
    Raises UnknownNameError or ModelError for what means none.
    """
    texts: dict[str, None] = {}
    for text in wanted or ("*",):
        texts |= dict.fromkeys(matching_names([text], packaged=packaged) if is_pattern(text) else [text])
    return [find(text, weights=False, packaged=packaged) for text in texts]


@click.command()
@click.argument("models", nargs=-1)
@click.option("--fresh", is_flag=True, help="Compute those that are current, too.")
def main(models: tuple[str, ...], fresh: bool) -> None:
    """Write golden values into the folders of MODELS: patterns of packaged models such as '*.synthetic-codes', their
    names, or folders.

    Of all packaged models without any. They are computed on the CPU with one thread. Those that are of the model's
    present weights are left alone, whatever computed them: a difference is for `motifzoo doctor` to tell.
    """
    torch.set_num_threads(1)
    try:
        sources = sources_of(models, packaged=True)
    except MotifzooError as error:
        raise click.ClickException(str(error)) from error

    def write(source: Source) -> str:
        if not fresh and _is_current(source):
            return "current"
        golden = golden_values(source)
        size = write_golden(golden, source.folder).stat().st_size
        without = "".join(f"; without {name}: {reason}" for name, reason in golden.facts.left_out.items())
        return f"{size / 1000:.0f} kB{without}"

    for_each(sources, write, name=lambda source: source.config.name)


def _is_current(source: Source) -> bool:
    try:
        return read_golden(source.folder, source.config) is not None
    except ModelError:
        return False


if __name__ == "__main__":
    main()
