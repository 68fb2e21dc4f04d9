"""Data cards: what the packaged ones state, and what a wrong name or a wrong card is answered."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from motifzoo.data_cards import cards
from motifzoo.data_cards.motifs import jaspar2016, search_database
from motifzoo.errors import DataError, UnknownNameError

PACKAGED = Path(cards.__file__).parent / "synthetic-codes" / "card.toml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of data cards of one's own, empty, in place of the packaged one."""
    monkeypatch.setattr(cards, "files", lambda package: tmp_path)
    cards.list_datasets.cache_clear()
    cards.load_card.cache_clear()
    yield tmp_path
    cards.list_datasets.cache_clear()
    cards.load_card.cache_clear()


def write_card(folder: Path, name: str, change: Callable[[str], str]) -> None:
    original = PACKAGED.read_text(encoding="utf-8")
    text = change(original)
    assert text != original
    (folder / name).mkdir()
    (folder / name / "card.toml").write_text(text, encoding="utf-8")


def test_packaged_data_sets() -> None:
    assert {"synthetic-codes", "synthetic-motifs"} <= set(cards.list_datasets())
    assert list(cards.list_datasets()) == sorted(cards.list_datasets())


def test_synthetic_codes_is_what_the_protocol_says() -> None:
    card = cards.load_card("synthetic-codes")
    assert (card.task, card.length, card.monitor, card.benchmark) == ("binary", 200, "auroc", "synthetic-codes@1")
    assert card.benchmarks == ("classification", "filters", "attribution")
    assert card.splits == {"train": 14_000, "valid": 2_000, "test": 4_000}


def test_synthetic_motifs_is_what_the_protocol_says() -> None:
    card = cards.load_card("synthetic-motifs")
    assert (card.task, card.length, card.monitor, card.benchmark) == ("multi-label", 200, "aupr", "synthetic-motifs@1")
    assert card.benchmarks == ("classification", "filters")
    assert card.splits == {"train": 21_000, "valid": 3_000, "test": 6_000}
    assert len(card.classes) == 12


@pytest.mark.parametrize("name", ["synthetic-codes", "synthetic-motifs"])
def test_ground_truth_motifs_are_the_planted_ones_and_in_the_database(name: str) -> None:
    """Each planted motif counts as found by a list of ids: its own is among them, and each can be hit."""
    card = cards.load_card(name)
    own = {motif.name: motif.id for motif in jaspar2016()}
    searched = {motif.id for motif in search_database()}
    assert tuple(card.ground_truth) == card.generator.core
    for motif, ids in card.ground_truth.items():
        assert own[motif] in ids
        assert set(ids) & searched


def test_unknown_data_set_with_the_nearest_names() -> None:
    with pytest.raises(UnknownNameError) as error:
        cards.load_card("synthetic-code")
    assert str(error.value) == (
        "unknown data set 'synthetic-code': did you mean 'synthetic-codes' or 'synthetic-motifs'? "
        "`motifzoo datasets` lists them."
    )


def test_unknown_data_set_that_resembles_none() -> None:
    with pytest.raises(UnknownNameError) as error:
        cards.load_card("imagenet")
    assert str(error.value) == (
        f"unknown data set 'imagenet': known: {', '.join(cards.list_datasets())}. `motifzoo datasets` lists them."
    )


@pytest.mark.parametrize("name", ["", "..", "synthetic-codes/", "../zoo"])
def test_a_path_is_no_name(name: str) -> None:
    with pytest.raises(UnknownNameError):
        cards.load_card(name)


def test_unknown_field(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace("length = 200", "length = 200\nwidth = 200"))
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == ("the card of data set 'mine' is not valid: width: Extra inputs are not permitted.")


def test_unknown_field_of_the_generator(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace("seed = 22", "seed = 22\nsede = 23"))
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert (
        str(error.value) == "the card of data set 'mine' is not valid: generator.sede: Extra inputs are not permitted."
    )


def test_missing_and_wrong_fields(folder: Path) -> None:
    write_card(
        folder, "mine", lambda text: text.replace("length = 200\n", "").replace('task = "binary"', 'task = "ranking"')
    )
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == (
        "the card of data set 'mine' is not valid: task: Input should be 'binary' or 'multi-label'; "
        "length: Field required."
    )


def test_card_that_is_not_toml(folder: Path) -> None:
    write_card(folder, "mine", lambda text: 'name = "mine\n')
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == (
        "the card of data set 'mine' is not TOML: Illegal character '\\n' (at line 1, column 13)."
    )


def test_card_in_a_folder_of_another_name(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace('name = "synthetic-codes"', 'name = "yours"'))
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == "the card in folder 'mine' is named 'yours': the two must be equal."


def test_folders_without_a_card_are_no_data_sets(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace('name = "synthetic-codes"', 'name = "mine"'))
    (folder / "notes").mkdir()
    (folder / "module.py").touch()
    assert cards.list_datasets() == ("mine",)
    assert cards.load_card("mine").name == "mine"
