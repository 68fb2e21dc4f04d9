"""Motif matrices: the packaged JASPAR 2016, the MEME format, and what is said about files that are neither."""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motifzoo.data_cards import motifs as motifs_module
from motifzoo.data_cards.motifs import (
    Motif,
    content_hash,
    jaspar2016,
    meme_text,
    query_motif,
    read_jaspar,
    read_meme,
    search_database,
    write_meme,
)
from motifzoo.errors import DataError

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no reference data in {REFERENCE}")

COUNTS_SHA256 = "fe2bce16056cb098da221b68c947ef080121bd14029a30f31231b89bf7396f95"
DATABASE_HASH = "834e10943d6518932b01b59c95dfaf8b47ae3b8650682bdf40e01cfb8883b66f"

HEAD = "MEME version 4\n\nALPHABET= ACGT\n\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 7\n"
ROWS = "0.7 0.1 0.1 0.1\n0.25 0.25 0.25 0.25\n"


# ---- the packaged motifs ----


def test_packaged_counts_are_the_published_file() -> None:
    packaged = Path(motifs_module.__file__).parent / "jaspar2016" / "pfm_vertebrates.txt"
    assert hashlib.sha256(packaged.read_bytes()).hexdigest() == COUNTS_SHA256
    assert COUNTS_SHA256 in (packaged.parent / "README.md").read_text()


def test_jaspar2016_first_column_by_hand() -> None:
    runx1 = jaspar2016()[0]
    assert (runx1.id, runx1.name, runx1.width, runx1.nsites) == ("MA0002.2", "RUNX1", 11, 2000)
    # Counts 287, 496, 696, 521 of 2000.
    np.testing.assert_array_equal(runx1.probabilities[:, 0], [0.1435, 0.248, 0.348, 0.2605])


def test_jaspar2016_equals_pyjaspar() -> None:
    pyjaspar = pytest.importorskip("pyjaspar")
    theirs = pyjaspar.jaspardb(release="JASPAR2016").fetch_motifs(collection="CORE", tax_group=["vertebrates"])
    counts = {motif.matrix_id: np.array([motif.counts[letter] for letter in "ACGT"], float) for motif in theirs}
    assert len(jaspar2016()) == 519
    assert {motif.id for motif in jaspar2016()} == set(counts)
    for motif in jaspar2016():
        np.testing.assert_array_equal(motif.probabilities, counts[motif.id] / counts[motif.id].sum(axis=0))


def test_search_database_is_pinned() -> None:
    database = search_database()
    assert len(database) == 518
    assert sum(motif.width for motif in database) == 6037
    assert {motif.width for motif in database} <= set(range(6, 22))
    assert {motif.id for motif in jaspar2016()} - {motif.id for motif in database} == {"MA0615.1"}
    assert content_hash(database) == DATABASE_HASH


@needs_reference
def test_search_database_is_the_published_meme_file_digit_for_digit() -> None:
    published = read_meme(REFERENCE / "jaspar2016" / "JASPAR_CORE_2016_vertebrates.meme")
    assert [motif.id for motif in published] == [motif.id for motif in search_database()]
    assert content_hash(published) == DATABASE_HASH


def test_content_hash_sees_everything() -> None:
    one = Motif("a", "n", np.array([[0.5], [0.5], [0], [0]]), 3)
    changed = [
        Motif("b", "n", one.probabilities, 3),
        Motif("a", "m", one.probabilities, 3),
        Motif("a", "n", one.probabilities, 4),
        Motif("a", "n", one.probabilities[::-1], 3),
        Motif("a", "n", np.hstack([one.probabilities] * 2), 3),
    ]
    two = Motif("c", "", one.probabilities)
    hashes = [content_hash([motif]) for motif in [one, *changed]]
    assert len({*hashes, content_hash([one, two]), content_hash([two, one]), content_hash([])}) == len(hashes) + 3


# ---- the class ----


def test_reverse_complement_by_hand() -> None:
    motif = Motif("x", "", np.array([[0.1, 1.0], [0.2, 0.0], [0.3, 0.0], [0.4, 0.0]]))
    flipped = motif.reverse_complement()
    np.testing.assert_array_equal(flipped.probabilities, [[0.0, 0.4], [0.0, 0.3], [0.0, 0.2], [1.0, 0.1]])
    np.testing.assert_array_equal(flipped.reverse_complement().probabilities, motif.probabilities)


def test_motif_keeps_a_read_only_copy() -> None:
    given_matrix = np.full((4, 3), 0.25)
    motif = Motif("x", "", given_matrix)
    given_matrix[:] = 9
    assert (motif.probabilities == 0.25).all()
    with pytest.raises(ValueError, match="read-only"):
        motif.probabilities[0, 0] = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "", np.full((4, 1), 0.25)), "motif id '': an id is one word, without blanks."),
        (("a b", "", np.full((4, 1), 0.25)), "motif id 'a b': an id is one word, without blanks."),
        (("a", "x\ny", np.full((4, 1), 0.25)), "motif a: its name 'x\\ny' must be on one line, without tabs."),
        (
            ("a", "", np.full((5, 4), 0.2)),
            "motif a: a matrix of shape (5, 4) was given; legal is (4, W) with 1 <= W <= 100, rows A, C, G, T.",
        ),
        (
            ("a", "", np.full((4, 0), 0.25)),
            "motif a: a matrix of shape (4, 0) was given; legal is (4, W) with 1 <= W <= 100, rows A, C, G, T.",
        ),
        (
            ("a", "", np.full((4, 101), 0.25)),
            "motif a: a matrix of shape (4, 101) was given; legal is (4, W) with 1 <= W <= 100, rows A, C, G, T.",
        ),
        (("a", "", np.full((4, 1), 0.25), 0), "motif a: nsites is 0; it must be a finite number above 0."),
        (
            ("a", "", np.full((4, 1), 0.25), float("nan")),
            "motif a: nsites is nan; it must be a finite number above 0.",
        ),
        (
            ("a", "", np.array([[0.25, 0.5]] * 4)),
            "motif a, column 2: the probabilities 0.5 0.5 0.5 0.5 sum to 2; they must sum to 1 (within 0.02).",
        ),
        (
            ("a", "", np.array([[np.nan], [0.5], [0.25], [0.25]])),
            "motif a, column 1: the probabilities nan 0.5 0.25 0.25 are not all finite.",
        ),
        (
            ("a", "", np.array([[-0.5], [0.5], [0.5], [0.5]])),
            "motif a, column 1: the probabilities -0.5 0.5 0.5 0.5 are not all 0 or more.",
        ),
    ],
)
def test_motif_refuses(arguments: tuple[str, str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError) as error:
        Motif(*arguments)
    assert str(error.value) == message


# ---- the MEME format ----


def test_meme_text_whole() -> None:
    motif = Motif("filter0", "first one", np.array([[0.7, 1 / 3], [0.1, 1 / 3], [0.1, 1 / 3], [0.1, 0]]), 2)
    assert meme_text([motif]) == (
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n"
        "A 0.25 C 0.25 G 0.25 T 0.25\n\nMOTIF filter0 first one\n"
        "letter-probability matrix: alength= 4 w= 2 nsites= 2\n"
        "0.7000 0.1000 0.1000 0.1000\n0.3333 0.3333 0.3333 0.0000\n"
    )


@st.composite
def query_motifs(draw: st.DrawFn) -> Motif:
    seed, width = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 30))
    spread = draw(st.sampled_from([0.05, 1.0, 50.0]))
    return query_motif(f"q{seed}", np.random.default_rng(seed).dirichlet([spread] * 4, width).T)


@given(st.lists(query_motifs(), min_size=1, max_size=4, unique_by=lambda motif: motif.id))
def test_query_motifs_survive_the_file(tmp_path_factory: pytest.TempPathFactory, queries: list[Motif]) -> None:
    path = tmp_path_factory.mktemp("meme") / "queries.meme"
    write_meme(path, queries)
    assert content_hash(read_meme(path)) == content_hash(queries)


def test_query_motif_is_what_four_decimals_say() -> None:
    # 0.00005 and 0.00015 are not binary numbers: printing decides by their true values, not by the tie they look like.
    query = query_motif("f", np.array([[0.00005], [0.00015], [0.4998], [0.5]]))
    assert query.nsites == 1
    assert query.probabilities[:, 0].tolist() == [float(f"{0.00005:.4f}"), float(f"{0.00015:.4f}"), 0.4998, 0.5]


def test_read_meme_takes_what_the_format_allows(tmp_path: Path) -> None:
    path = tmp_path / "m.meme"
    path.write_bytes(
        b"\xef\xbb\xbf\r\nMEME version 5.5.8\r\n\r\nALPHABET= ACGT\r\nstrands: + -\r\n\r\n"
        b"Background letter frequencies (from unknown source):\r\nA 0.3 C 0.2 G 0.2 T 0.3\r\n\r\n"
        b"MOTIF a  the  first\r\nlog-odds matrix: alength= 4 w= 1 E= 0\r\n1 2 3 4\r\n\r\n"
        b"letter-probability matrix: nsites=7 E= 4.1e-9 alength=4 w= 1\r\n\t0.5\t0.5\t0\t0\t\r\nURL http://x\r\n"
        b"MOTIF b\r\nletter-probability matrix:\r\n1 0 0 0\r\n0 1.0 0e0 0\r\n"
    )
    first, second = read_meme(path)
    assert (first.id, first.name, first.nsites, first.probabilities.T.tolist()) == (
        "a",
        "the first",
        7,
        [[0.5, 0.5, 0, 0]],
    )
    assert (second.id, second.name, second.nsites, second.probabilities.T.tolist()) == (
        "b",
        "",
        20,
        [[1, 0, 0, 0], [0, 1, 0, 0]],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "PATH is empty; a motif file has at least one motif."),
        (" \n\n", "PATH is empty; a motif file has at least one motif."),
        ("a\0b", "PATH is not a text file; a motif file is (MEME minimal format or JASPAR counts)."),
        (
            b"\x93NUMPY\xff\xfe",
            "PATH is not a text file; a motif file is (MEME minimal format or JASPAR counts).",
        ),
        (">seq1\nACGT\n", "PATH, line 1: a MEME motif file starts with 'MEME version 4'; found '>seq1'."),
        (
            "\n" + "x" * 99,
            f"PATH, line 2: a MEME motif file starts with 'MEME version 4'; found '{'x' * 37}...'.",
        ),
        (HEAD, "PATH: no motifs in it; each needs a 'MOTIF id' line and a 'letter-probability matrix'."),
        (
            HEAD.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY"),
            "PATH, line 3: found 'ALPHABET= ACDEFGHIKLMNPQRSTVWY'; legal is 'ALPHABET= ACGT' (DNA motifs only).",
        ),
        (HEAD + "MOTIF\n", "PATH, line 5: 'MOTIF' without an id."),
        (HEAD + "MOTIF a\n", "PATH, line 5: motif a has no 'letter-probability matrix'."),
        (
            HEAD + "MOTIF a\nMOTIF b\n" + MATRIX + ROWS,
            "PATH, line 5: motif a has no 'letter-probability matrix'.",
        ),
        (HEAD + MATRIX + ROWS, "PATH, line 5: a matrix without a 'MOTIF' line before it."),
        (
            HEAD + ("MOTIF a\n" + MATRIX + ROWS) * 2,
            "PATH, line 9: motif a is there twice (first in line 5); ids must differ.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("alength= 4", "alength= 20") + ROWS,
            "PATH, line 6: alength= 20; legal is 4 (DNA motifs only).",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("w= 2", "w= 1000000000000") + ROWS,
            "PATH, line 6: w= 1000000000000; legal is a width of 1 to 100 columns.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("w= 2", "w= -2") + ROWS,
            "PATH, line 6: w= -2; legal is a width of 1 to 100 columns.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("nsites= 7", "nsites= 0") + ROWS,
            "PATH, line 6: nsites= 0; legal is a finite number above 0 (leave nsites= out for 20).",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("nsites= 7", "nsites= many") + ROWS,
            "PATH, line 6: nsites= many; legal is a finite number above 0 (leave nsites= out for 20).",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("w= 2", "w= 3") + ROWS,
            "PATH, line 8: the matrix has 2 rows; w= 3 of line 6 promises 3.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX.replace("w= 2", "w= 1") + ROWS,
            "PATH, line 8: the matrix has more than 1 rows; w= 1 of line 6 promises 1.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "\n" + ROWS,
            "PATH, line 6: the matrix has 0 rows; w= 2 of line 6 promises 2.",
        ),
        (
            HEAD + "MOTIF a\nletter-probability matrix:\n" + "0.25 0.25 0.25 0.25\n" * 101,
            "PATH, line 107: the matrix has more than 100 rows; legal is 1 to 100.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "0.7 0.1 0.1 0.1\nURL http://x\n",
            "PATH, line 8: expected a row of four probabilities; found 'URL http://x'.",
        ),
        (
            HEAD + "MOTIF a\nletter-probability matrix:\n0.7 0.1 0.1 O.1\n",
            "PATH, line 7: expected a row of four probabilities; found '0.7 0.1 0.1 O.1'.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "0.7 0.1 0.2\n",
            "PATH, line 7: a row of 3 probabilities; legal is four, A, C, G, T.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "0.7 0.1 0.1 0.1\n1.5 -0.5 0 0\n",
            "PATH, line 8: the probabilities 1.5 -0.5 0 0 are not all 0 or more.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "0.7 0.1 0.1 0.1\n0.5 inf 0.5 0\n",
            "PATH, line 8: the probabilities 0.5 inf 0.5 0 are not all finite.",
        ),
        (
            HEAD + "MOTIF a\n" + MATRIX + "70 10 10 10\n25 25 25 25\n",
            "PATH, line 7: the probabilities 70 10 10 10 sum to 100; they must sum to 1 (within 0.02).",
        ),
    ],
)
def test_read_meme_refuses(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "m.meme"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        read_meme(path)
    assert str(error.value) == message.replace("PATH", str(path))


def test_read_meme_refuses_what_it_cannot_open(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_meme(tmp_path / "none.meme")
    assert str(error.value) == f"cannot read {tmp_path / 'none.meme'}: No such file or directory."
    with pytest.raises(DataError) as error:
        read_meme(tmp_path)
    assert str(error.value) == f"cannot read {tmp_path}: Is a directory."


def test_read_meme_refuses_huge_files_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.meme"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(DataError) as error:
        read_meme(path)
    assert str(error.value) == f"{path} has 1099511627776 bytes; a motif file may have 67108864."


@given(st.binary(max_size=200), st.integers(0, 120))
def test_a_damaged_meme_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, position: int
) -> None:
    intact = (HEAD + "MOTIF a x\n" + MATRIX + ROWS).encode()
    path = tmp_path_factory.mktemp("meme") / "damaged.meme"
    path.write_bytes(intact[:position] + noise + intact[position:])
    with contextlib.suppress(DataError):
        for motif in read_meme(path):
            assert abs(motif.probabilities.sum(axis=0) - 1).max() <= 0.021


# ---- JASPAR's count format ----


def test_read_jaspar_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "pfm.txt"
    path.write_text(
        ">X1.1\tSome name\nA [1 0]\nC  [ 1 0 ]\nG  [ 1 3 ]\nT  [ 1 0 ]\n\n>X2.1\nA [2]\nC [0]\nG [0]\nT [0]\n"
    )
    first, second = read_jaspar(path)
    assert (first.id, first.name) == ("X1.1", "Some name")
    assert first.nsites == 4  # the column totals 4 and 3, mean 3.5, rounded up
    np.testing.assert_array_equal(first.probabilities, [[0.25, 0], [0.25, 0], [0.25, 1], [0.25, 0]])
    assert (second.id, second.name, second.nsites) == ("X2.1", "", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MEME version 4\n", "PATH, line 1: a JASPAR count file starts with '>id<tab>name'; found 'MEME version 4'."),
        ("x\n>a\n", "PATH, line 1: a JASPAR count file starts with '>id<tab>name'; found 'x'."),
        (">\nA [1]\n", "PATH, line 1: '>' without an id."),
        (">a\tb\nA [1]\nC [1]\nG [1]\n", "PATH, line 1: motif a has 3 rows of counts; legal is 4, A, C, G, T."),
        (
            ">a\tb\nA [1]\nG [1]\nC [1]\nT [1]\n",
            "PATH, line 3: expected 'C [ counts ]' with counts of 0 or more; found 'G [1]'.",
        ),
        (
            ">a\tb\nA [1]\nC [x]\nG [1]\nT [1]\n",
            "PATH, line 3: expected 'C [ counts ]' with counts of 0 or more; found 'C [x]'.",
        ),
        (
            ">a\tb\nA [1]\nC [-1]\nG [1]\nT [1]\n",
            "PATH, line 3: expected 'C [ counts ]' with counts of 0 or more; found 'C [-1]'.",
        ),
        (
            ">a\tb\nA [1 2]\nC [1]\nG [1]\nT [1]\n",
            "PATH, line 1: motif a has rows of 2, 1, 1, 1 counts; legal is four rows of one length, 1 to 100.",
        ),
        (
            ">a\tb\nA [1 0]\nC [1 0]\nG [1 0]\nT [1 0]\n",
            "PATH, line 1: motif a, column 2: its counts sum to 0.",
        ),
        (
            ">a\nA [1]\nC [1]\nG [1]\nT [1]\n" * 2,
            "PATH, line 6: motif a is there twice (first in line 1); ids must differ.",
        ),
    ],
)
def test_read_jaspar_refuses(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pfm.txt"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_jaspar(path)
    assert str(error.value) == message.replace("PATH", str(path))
