"""What attribution maps are scored against: planted motifs, or a scan of real DNA for known ones."""

import numpy as np
import pytest

from motifzoo.data_cards.cards import Card, load_card
from motifzoo.data_cards.content import Split, no_placements
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.motifs import jaspar2016
from motifzoo.data_cards.onehot import reverse_complement
from motifzoo.errors import DataError
from motifzoo.evaluate import targets as module
from motifzoo.evaluate.attribution.scores import THRESHOLD, information_bits
from motifzoo.evaluate.targets import known_names, motifs_of, targets

IRF1, GATA1 = "MA0050.2", "MA0035.3"


def consensus(identifier: str) -> np.ndarray:
    motif = next(motif for motif in jaspar2016() if motif.id == identifier)
    return motif.probabilities.argmax(axis=0).astype(np.uint8)


def card(task: str = "binary", **known: dict[str, tuple[str, ...]]) -> Card:
    classes = ("bound",) if task == "binary" else ("K562", "GM12878", "none")
    return load_card("chip-irf1").model_copy(update={"task": task, "classes": classes, "known_motifs": known})


def planted(rows: dict[int, tuple[str, int, bool]], count: int, length: int = 60) -> np.ndarray:
    """Poly-C, in which neither motif nor its complement occurs, with consensus words at known places."""
    codes = np.full((count, length), 1, np.uint8)
    for row, (identifier, start, reverse) in rows.items():
        word = consensus(identifier)
        codes[row, start : start + len(word)] = reverse_complement(word) if reverse else word
    return codes


def split(codes: np.ndarray, labels: list[list[int]]) -> Split:
    return Split(codes, np.array(labels, np.int8), no_placements())


def test_synthetic_data_is_scored_against_what_was_planted() -> None:
    sizes = {"train": 40, "valid": 10, "test": 30}
    data = generate(load_card("synthetic-codes").model_copy(update={"splits": sizes, "fingerprint": ""}))
    found = targets(data.card, data.test)
    positive = np.flatnonzero(data.test.labels[:, 0] == 1)
    assert found.rows.tolist() == positive.tolist()
    assert found.outputs.tolist() == [0] * len(positive)
    np.testing.assert_array_equal(found.codes, data.test.codes[positive])
    np.testing.assert_array_equal(found.information, information_bits(data.test.truth(positive)))
    assert (found.prefix, found.notes) == ("", ())


def test_real_dna_is_scored_against_a_scan_for_known_motifs() -> None:
    codes = planted({1: (IRF1, 5, False), 3: (IRF1, 30, True), 4: (IRF1, 7, False), 5: (GATA1, 9, False)}, 6)
    found = targets(card(bound={"IRF1": (IRF1,)}), split(codes, [[1], [1], [1], [1], [0], [1]]))
    width = len(consensus(IRF1))
    assert found.rows.tolist() == [1, 3]  # rows 0 and 2 have no instance, 4 is no peak, 5 has another motif
    assert found.prefix == "scan_"
    inside = found.information > THRESHOLD
    for row, start in ((0, 5), (1, 30)):
        assert inside[row, start : start + width].all()
    # Nothing beyond the word and what an overlapping hit may add to it.
    assert not inside[0, 5 + 2 * width :].any()
    assert not inside[1, : 30 - width].any()
    assert found.notes == (
        "Attribution is scored by agreement with a scan for the known motifs (PWM matches, p < 0.0001), which is no "
        "ground truth.",
        "Scan of bound for IRF1: 2 of the first 5 test sequences of the class have an instance.",
    )


def test_each_class_is_explained_by_its_own_output_and_motifs() -> None:
    codes = planted({0: (GATA1, 20, False), 1: (IRF1, 20, False), 2: (IRF1, 20, False), 3: (GATA1, 11, True)}, 5)
    labels = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    several = card("multi-class", K562={"GATA1": (GATA1,)}, GM12878={"IRF1": (IRF1,)})
    found = targets(several, split(codes, labels))
    assert found.rows.tolist() == [0, 3, 2]
    assert found.outputs.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.codes, codes[[0, 3, 2]])
    assert known_names(several) == {"GATA1": (GATA1,), "IRF1": (IRF1,)}
    shared = card("multi-class", K562={"IRF1": (IRF1, GATA1)}, GM12878={"IRF1": ("MA0652.1", IRF1)})
    assert known_names(shared) == {"IRF1": (IRF1, GATA1, "MA0652.1")}


def test_no_more_sequences_than_the_protocol_says_and_the_first_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve with an instance among empty ones; two classes share a limit of eight."""
    monkeypatch.setattr(module, "SEQUENCES", 8)
    codes = planted(dict.fromkeys(range(0, 36, 3), (GATA1, 20, False)), 40)
    labels = [[1, 0, 0]] * 40
    several = card("multi-class", K562={"GATA1": (GATA1,)}, GM12878={"IRF1": (IRF1,)})
    found = targets(several, split(codes, labels))
    assert found.rows.tolist() == [0, 3, 6, 9]
    assert found.notes[1:] == (
        "Scan of K562 for GATA1: 4 of the first 10 test sequences of the class have an instance.",
        "Scan of GM12878 for IRF1: 0 of the first 0 test sequences of the class have an instance.",
    )


def test_a_class_without_known_motifs_has_nothing_to_be_scored_by() -> None:
    with pytest.raises(DataError) as error:
        targets(card(), split(planted({}, 2), [[1], [0]]))
    assert str(error.value) == (
        "data set 'chip-irf1' names no known motifs, so there is nothing to score attribution maps against. Give its "
        "card known_motifs, or take attribution from its benchmarks."
    )


def test_known_motifs_must_be_in_jaspar() -> None:
    assert [motif.id for motif in motifs_of({"IRF1": (IRF1,), "GATA1": (GATA1,)})] == [IRF1, GATA1]
    with pytest.raises(DataError) as error:
        motifs_of({"IRF1": ("MA9999.1",)})
    assert str(error.value) == (
        "known motif 'IRF1' names 'MA9999.1', which is not among the 519 matrices of JASPAR 2016 CORE vertebrates."
    )


@pytest.mark.parametrize("name", ["chip-zbed2", "chip-irf1", "chip-rest", "chip-gabpa", "chip-lef1", "tfbs-tp53"])
def test_the_packaged_cards_known_motifs_are_in_jaspar(name: str) -> None:
    assert motifs_of(known_names(load_card(name)))
