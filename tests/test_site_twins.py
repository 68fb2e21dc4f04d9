"""Models that share weights: what each one's page says of the others."""

import re
from pathlib import Path

from site_boards import BENCHMARK, record, write

from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.entries import Entry, entries
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.leaderboard.site import build_site
from motifzoo.evaluate.leaderboard.site.twins import MOST_MODELS, SameWeights, holders, same_weights

A, B, C = (f"cnn-{letter}-relu.synthetic-codes" for letter in "abc")


def alike(model: str, weights: str, **changes: object) -> list[Record]:
    """A record for each letter, with weights that are those of every other record of that letter."""
    return [record(model, trial, model_sha256=letter * 64, **changes) for trial, letter in enumerate(weights)]


def found(*records: Record) -> dict[str, tuple[SameWeights, ...]]:
    rows: list[Entry] = entries(records)[BENCHMARK]
    return {entry.model: same_weights(entry, holders(rows)) for entry in rows}


def page(place: Path, *records: Record) -> str:
    """The page of the first model of a board with these records, as HTML."""
    build_site(open_board(str(write(place / "board", records))), place / "pages")
    return (place / "pages" / BENCHMARK / "models" / A / "index.html").read_text(encoding="utf-8")


def text(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def test_no_weights_are_shared() -> None:
    assert found(*alike(A, "aab"), *alike(B, "cd")) == {A: (), B: ()}  # a model's own trials are another matter


def test_trials_of_the_same_and_of_other_numbers() -> None:
    assert found(*alike(A, "abc"), *alike(B, "adc"), *alike(C, "eb")) == {
        A: (SameWeights((0, 2), (0, 2), (B,)), SameWeights((1,), (1,), (C,))),
        B: (SameWeights((0, 2), (0, 2), (A,)),),
        C: (SameWeights((1,), (1,), (A,)),),
    }
    assert found(*alike(A, "ab"), *alike(B, "ba")) == {
        A: (SameWeights((0, 1), (1, 0), (B,)),),
        B: (SameWeights((0, 1), (1, 0), (A,)),),
    }


def test_models_with_the_same_trials_are_named_together_and_not_without_end() -> None:
    names = [f"cnn-{index:03d}-relu.synthetic-codes" for index in range(50)]
    shared = found(*(item for name in names for item in alike(name, "ab")))
    (first,) = shared[names[0]]
    assert (first.own, first.theirs, first.models) == ((0, 1), (0, 1), tuple(names[1 : MOST_MODELS + 1]))
    assert len(shared[names[-1]][0].models) <= MOST_MODELS + 1


def test_weights_on_another_benchmark_are_not_compared(tmp_path: Path) -> None:
    """The noise of a random attribution is the same for all of them, and so is its hash."""
    elsewhere = alike(B, "ab", benchmark="synthetic-codes@2")
    assert "to the last bit" not in page(tmp_path, *alike(A, "ab"), *elsewhere)


def test_pages_say_it_in_a_sentence(tmp_path: Path) -> None:
    html = page(tmp_path, *alike(A, "abc"), *alike(B, "adc"), *alike(C, "fb"))
    told = "the same weights, to the last bit, as the same trial"
    assert f"Trials 0 and 2 have {told}s of {B}." in text(html)
    assert f"Trial 1 has {told} of {C}." in text(html)
    assert f'<a href="../{B}/index.html">' in html
    assert html.count("to the last bit") == 2


def test_pages_say_which_trials_they_are(tmp_path: Path) -> None:
    html = page(tmp_path, *alike(A, "abc"), *alike(B, "bca"), *alike(C, "bca"))
    assert f"Trials 0, 1 and 2 have the same weights, to the last bit, as trials 2, 0 and 1 of {B} and {C}." in text(
        html
    )
