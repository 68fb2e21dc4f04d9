"""Data cards: what the packaged ones state, and what a wrong name or a wrong card is answered."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from motifzoo.data_cards import cards
from motifzoo.data_cards.motifs import jaspar2016, search_database
from motifzoo.errors import DataError, UnknownNameError

HEX = set("0123456789abcdef")
PACKAGED = Path(cards.__file__).parent / "synthetic-codes" / "card.toml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data cards, empty, in place of the packaged one; without any of the user's own."""
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    monkeypatch.setattr(cards, "PACKAGED", packaged)
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "own"))
    return packaged


def write_card(folder: Path, name: str, change: Callable[[str], str]) -> None:
    original = PACKAGED.read_text(encoding="utf-8")
    text = change(original)
    assert text != original
    (folder / name).mkdir(parents=True)
    (folder / name / "card.toml").write_text(text, encoding="utf-8")


ALL = (
    "basset-dnase164",
    "chip-gabpa",
    "chip-irf1",
    "chip-lef1",
    "chip-rest",
    "chip-zbed2",
    "deepsea-tf12",
    "dhs-4cell",
    "synthetic-codes",
    "synthetic-motifs",
    "tfbs-tp53",
)
# What the protocol and the list of upstream files say: classes, length, sequences in train, valid and test.
STATED = {
    "chip-gabpa": (1, 200, (11_022, 1_574, 3_150)),
    "chip-irf1": (1, 400, (2_724, 389, 779)),
    "chip-lef1": (1, 200, (7_257, 1_037, 2_074)),
    "chip-rest": (1, 200, (9_055, 1_293, 2_588)),
    "chip-zbed2": (1, 400, (3_431, 490, 981)),
    "dhs-4cell": (4, 200, (39_254, 4_053, 4_565)),
    "deepsea-tf12": (12, 1000, ()),
    "basset-dnase164": (164, 600, ()),
}
KNOWN_MOTIFS = {
    "chip-gabpa": {"GABPA": "MA0062.2"},
    "chip-irf1": {"IRF1": "MA0050.2"},
    "chip-lef1": {"LEF1": "MA0768.1"},
    "chip-rest": {"REST": "MA0138.2"},
    "chip-zbed2": {"IRF1": "MA0050.2"},
    "tfbs-tp53": {"TP53": "MA0106.3"},
}


def test_packaged_data_sets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PACKAGED", PACKAGED.parent.parent)
    assert cards.list_datasets() == ALL


@pytest.mark.parametrize("name", STATED)
def test_in_vivo_sets_are_what_was_stated(name: str) -> None:
    card = cards.load_card(name)
    classes, length, sizes = STATED[name]
    assert (len(card.classes), card.length, tuple(card.splits[split] for split in card.splits)) == (
        classes,
        length,
        sizes,
    )
    assert card.benchmark == f"{name}@1"
    assert card.monitor == ("aupr" if name == "deepsea-tf12" else "auroc")


def test_tp53_holds_a_tenth_of_train_out() -> None:
    card = cards.load_card("tfbs-tp53")
    assert card.splits["train"] + card.splits["valid"] == 4432
    assert (card.splits["valid"], card.splits["test"]) == (444, 494)


@pytest.mark.parametrize("name", ALL)
def test_every_card_says_what_a_user_asks(name: str) -> None:
    card = cards.load_card(name)
    for field in ("assay", "organism", "genome", "licence", "licence_covers", "source", "collection", "citation"):
        assert getattr(card, field).strip(), field
    assert card.creators
    assert card.published
    assert card.homepage
    assert card.traps


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("basset-dnase164", "deepsea-tf12")])
def test_sources_are_pinned(name: str) -> None:
    """Each can be told from another file, and its URL from one that changes: it names a commit or a hash."""
    card = cards.load_card(name)
    assert card.fingerprint
    for source in card.sources:
        assert source.bytes
        assert source.sha256
        if source.url is None:
            assert "==" in source.obtain  # one version of a package, which never changes
            continue
        assert any(len(part) >= 40 and int(part, 16) for part in source.url.split("/") if set(part) <= HEX)


@pytest.mark.parametrize("name", ALL)
def test_known_motifs_can_be_hit(name: str) -> None:
    searched = {motif.id for motif in search_database()}
    card = cards.load_card(name)
    for motifs in card.known_motifs.values():
        for ids in motifs.values():
            assert set(ids) <= searched
    if name in KNOWN_MOTIFS:
        (motifs,) = card.known_motifs.values()
        assert dict(motifs) == {factor: (id_,) for factor, id_ in KNOWN_MOTIFS[name].items()}


def test_deepsea_columns_and_motifs_are_the_protocols() -> None:
    card, synthetic = cards.load_card("deepsea-tf12"), cards.load_card("synthetic-motifs")
    assert isinstance(card.reader, cards.DeepSea)
    assert card.reader.columns == (592, 602, 344, 345, 635, 636, 349, 642, 359, 361, 661, 369)
    assert card.classes == synthetic.classes
    searched = {motif.id for motif in search_database()}
    assert {name: set(motifs[name]) for name, motifs in card.known_motifs.items()} == {
        name: set(ids) & searched for name, ids in synthetic.ground_truth.items()
    }


@pytest.mark.parametrize("name", ["chip-zbed2", "chip-irf1"])
def test_somerville_is_cited_first(name: str) -> None:
    assert cards.load_card(name).citation.startswith("Somerville, T. D. D.")


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
    assert str(error.value) == ("the card of data set 'mine' is not valid: width: unknown field.")


def test_unknown_field_of_the_generator(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace("seed = 22", "seed = 22\nsede = 23"))
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == "the card of data set 'mine' is not valid: generator.sede: unknown field."


CHIP = PACKAGED.parent.parent / "chip-irf1" / "card.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bytes = ", "size = 3\nbytes = ", "sources.0.size: unknown field."),
        (
            'format = "authors-h5"',
            'format = "authors-h5"\nkeys = 1',
            "reader.authors-h5.keys: unknown field.",
        ),
        ("url = ", "# url = ", "sources.0: IRF1_400_h3k27ac.h5 needs a url, or the words how to obtain it."),
        (
            "bytes = ",
            'obtain = "ask"\nbytes = ',
            "sources.0: IRF1_400_h3k27ac.h5 needs a url, or the words how to obtain it.",
        ),
        (
            "[reader]",
            f'[[sources.copies]]\nfile = "a.gz"\nbytes = 1\nsha256 = "{"0" * 64}"\n[reader]',
            "sources.0: IRF1_400_h3k27ac.h5 has copies of a member that it does not name.",
        ),
        ("valid = [200]", "valid = [200, 189]", "positives of valid must state 1 numbers, one a class."),
        ("valid = [200]\n", "", "positives must state the sizes of train, valid and test."),
        ('[known_motifs."IRF1 peak"]', "[known_motifs.IRF1]", "known_motifs names 'IRF1', which is not a class."),
        (
            'published = "2021"',
            'published = "May 2021"',
            "published: String should match pattern '^(\\d{4}(-\\d{2}-\\d{2})?)?$'.",
        ),
    ],
)
def test_wrong_card_of_real_data(folder: Path, old: str, new: str, message: str) -> None:
    text = CHIP.read_text(encoding="utf-8")
    assert old in text
    (folder / "chip-irf1").mkdir()
    (folder / "chip-irf1" / "card.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as error:
        cards.load_card("chip-irf1")
    assert str(error.value) == f"the card of data set 'chip-irf1' is not valid: {message}"


def test_packaged_card_wins_over_one_of_the_users(folder: Path) -> None:
    """A published benchmark is what it says, whatever stands in somebody's folder."""
    for place, title in ((folder, "Packaged"), (cards.own_dir(), "Own")):
        write_card(
            place,
            "mine",
            lambda text, title=title: text.replace('"synthetic-codes"', '"mine"').replace(
                "Synthetic regulatory", title
            ),
        )
    assert cards.load_card("mine").title == "Packaged codes (task 3)"
    assert cards.card_folder("mine") == folder / "mine"


def test_changed_card_is_read_again(folder: Path) -> None:
    write_card(folder, "mine", lambda text: text.replace('"synthetic-codes"', '"mine"'))
    path = folder / "mine" / "card.toml"
    assert cards.load_card("mine").version == 1
    path.write_text(path.read_text(encoding="utf-8").replace("version = 1", "version = 2"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert cards.load_card("mine").version == 2


def test_missing_and_wrong_fields(folder: Path) -> None:
    write_card(
        folder, "mine", lambda text: text.replace("length = 200\n", "").replace('task = "binary"', 'task = "ranking"')
    )
    with pytest.raises(DataError) as error:
        cards.load_card("mine")
    assert str(error.value) == (
        "the card of data set 'mine' is not valid: task: Input should be 'binary', 'multi-label' or 'multi-class'; "
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
