"""Tables: TSV and CSV, the columns that are kept, and what is refused."""

import csv
import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_cards import collect, make_card

from motifzoo.data_cards import onehot
from motifzoo.data_cards.cards import Card, Table, load_card
from motifzoo.data_cards.readers import gather, read, table
from motifzoo.data_cards.store import write_splits
from motifzoo.errors import DataError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
Write = Callable[..., Path]
SPLITS = {"tr": "train", "va": "valid", "te": "test"}
GOOD = "seq,cell,part\nACGT,a,tr\nACGN,b,tr\nCCCC,a,va\nGGGG,b,va\nTTTT,a,te\nAAAA,b,te\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def cells(keep: Mapping[str, str] | None = None, **card: object) -> Card:
    """A card whose table has columns seq, cell and part."""
    reader = Table(
        format="table", sequence="seq", label="cell", classes=("b", "a"), split="part", splits=SPLITS, keep=keep or {}
    )
    return make_card(
        reader, [("table.csv", None)], **{"length": 4, "classes": ("B cell", "A cell"), "task": "multi-class", **card}
    )


def refusal(card: Card, path: Path) -> str:
    with pytest.raises(DataError) as error:
        collect(read(card, {"table.csv": path}))
    return str(error.value)


def test_rows_go_to_their_splits_and_labels_to_their_classes(write: Write) -> None:
    splits = collect(read(cells(), {"table.csv": write(GOOD)}))
    assert {name: onehot.decode(split.codes) for name, split in splits.items()} == {
        "train": ["ACGT", "ACGN"],
        "valid": ["CCCC", "GGGG"],
        "test": ["TTTT", "AAAA"],
    }
    assert [split.labels.tolist() for split in splits.values()] == [[[0, 1], [1, 0]]] * 3
    assert [split.about for split in splits.values()] == [None] * 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_delimiters_line_ends_and_gzip_do_not_matter(
    write: Write, start: str, end: str, delimiter: str, pack: Callable[[bytes], bytes]
) -> None:
    content = start + GOOD.replace(",", delimiter).replace("\n", end)
    path = write(pack(content.encode()))
    assert table.columns(path) == ("seq", "cell", "part")
    assert list(table.rows(path, ["part", "seq"]))[:2] == [table.Row(2, ("tr", "ACGT")), table.Row(3, ("tr", "ACGN"))]


def test_quotes_spaces_and_empty_lines(write: Write) -> None:
    path = write('name,"a, b"\n\n" x ","two ""words"""\n"three\nlines",y\n\n')
    assert table.columns(path) == ("name", "a, b")
    found = list(table.rows(path, ["a, b", "name"]))
    assert found == [table.Row(3, ('two "words"', "x")), table.Row(5, ("y", "three\nlines"))]


VALUE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUE, VALUE), max_size=20), st.sampled_from(",\t"))
def test_what_is_written_is_read(write: Write, values: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([("first", "second"), *values])
    found = list(table.rows(write(stream.getvalue()), ["second", "first"]))
    assert [row.values for row in found] == [(second, first) for first, second in values]
    assert [row.line for row in found] == list(range(2, len(values) + 2))


def test_kept_columns_have_one_type_in_every_split(write: Write) -> None:
    names = ("id", "chrom", "start", "end", "summit", "score", "code")
    content = ",".join(("seq", "cell", "part", *names)) + "\n"
    values = [("1", "1", "5", "9", "7", "1", "1"), ("2", "X", "-1", "9", "8", "2.5", "007")]
    rows = [row.split(",") for row in GOOD.split()[1:]]
    content += "".join(",".join((*row, *values[number % 2])) + "\n" for number, row in enumerate(rows))
    kept = {name: name for name in names}
    splits = collect(read(cells(kept), {"table.csv": write(content)}))
    text, whole = pa.string(), pa.int64()
    types = [("id", text), ("chrom", text), ("start", whole), ("end", whole), ("summit", whole)]
    for split in splits.values():
        assert split.about.schema == pa.schema([*types, ("score", text), ("code", text)])
        assert split.about.to_pylist() == [
            {"id": "1", "chrom": "1", "start": 5, "end": 9, "summit": 7, "score": "1", "code": "1"},
            {"id": "2", "chrom": "X", "start": -1, "end": 9, "summit": 8, "score": "2.5", "code": "007"},
        ]


def test_a_kept_column_may_have_another_name(write: Write) -> None:
    path = write("seq,cell,part,chr\nACGT,a,tr,chr1\n")
    splits = collect(read(cells({"chrom": "chr"}), {"table.csv": path}))
    assert splits["train"].about.to_pylist() == [{"chrom": "chr1"}]


def test_a_binary_table_names_the_negative_then_the_positive_label(write: Write) -> None:
    binary = cells(task="binary", classes=("A cell",))
    splits = collect(read(binary, {"table.csv": write(GOOD)}))
    assert splits["train"].labels.tolist() == [[1], [0]]
    one = binary.model_copy(update={"reader": binary.reader.model_copy(update={"classes": ("a",)})})
    assert refusal(one, write(GOOD)) == (
        "the reader of data set 'mine' needs a negative and a positive label, all different; got a."
    )


def test_a_multi_label_table(write: Write) -> None:
    path = write(GOOD.replace("ACGT,a,tr", 'ACGT,"a,b",tr'))
    splits = collect(read(cells(task="multi-label"), {"table.csv": path}))
    assert splits["train"].labels.tolist() == [[1, 1], [1, 0]]


def test_a_table_must_have_a_label_for_each_class_of_the_card(write: Write) -> None:
    assert refusal(cells(classes=("a", "b", "c")), write(GOOD)) == (
        "the reader of data set 'mine' needs 3 labels, one a class, all different; got b, a."
    )


def test_a_card_with_two_tables(write: Write) -> None:
    with pytest.raises(DataError) as error:
        collect(read(cells(), {"a.csv": write(GOOD, "a.csv"), "b.csv": write(GOOD, "b.csv")}))
    assert str(error.value) == "data set 'mine' has 2 sources (a.csv, b.csv); its reader takes exactly one."


def test_long_tables_come_in_pieces(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MAX_ROWS", 2)
    path = write(GOOD + "CACA,a,tr\n")
    pieces = list(read(cells(), {"table.csv": path}))
    assert [(name, len(piece)) for name, piece in pieces] == [("train", 2), ("valid", 2), ("test", 2), ("train", 1)]
    np.testing.assert_array_equal(pieces[-1][1].codes, [[1, 0, 1, 0]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " has no header line: its first line is empty."),
        ("\nseq,cell\n", " has no header line: its first line is empty."),
        ("seq,,part\n", ": column 2 has no name in the header line."),
        ("seq,cell,part,seq\n", ": two columns are named 'seq' in the header line."),
        ("seq;cell;part\n", " has no column 'seq'; its columns are seq;cell;part."),
        ("seq,part\nACGT,tr\n", " has no column 'cell'; its columns are seq, part."),
        ("seq,cell,part\nACGT,a,tr\n\nACGT,a\n", ", line 4: 2 values for 3 columns."),
        ("seq,cell,part\nACGT,a,tr,x\n", ", line 2: 4 values for 3 columns."),
        ("seq,cell,part\nACGT,a,tr\nACGT, ,tr\n", ", line 3: column 'cell' is empty."),
        ("seq,cell,part\nACGT,c,tr\n", ", line 2: the label 'c' is none of b, a."),
        ("seq,cell,part\nACGT,a,train\n", ", line 2: the split 'train' is none of tr, va, te."),
        ("seq,cell,part\nACGTA,a,tr\n", ", line 2: the sequence has 5 nt; the card of 'mine' says 4."),
        (
            "seq,cell,part\nACGU,a,tr\n",
            ", line 2: 'U' at position 4 is not DNA (A, C, G, T, N or an IUPAC code). This looks like RNA: write T for "
            "U.",
        ),
        ('seq,cell,part\nACGT,"a,tr\n', ", line 2: unexpected end of data."),
        ('seq,cell,part\nACGT,"a"b,tr\n', ", line 2: ',' expected after '\"'."),
        (b"seq,cell,part\nACGT,\xff,tr\n", ", line 2: byte 0xff is not UTF-8 text. Save the file as UTF-8."),
        (
            b"<html><body>Not Found</body></html>",
            " is an HTML page, not a text file. A server sends such a page in place of a file that it does not have: "
            "get the file again.",
        ),
        (
            gzip.compress((GOOD + "CACA,a,tr\n" * 500).encode(), mtime=0)[:-4],
            " is cut short or damaged after line 507 (Compressed file ended before the end-of-stream marker was "
            "reached). Get it again.",
        ),
        (
            "seq,cell,part\nACGT," + "a" * 200_000 + ",tr\n",
            ", line 2: field larger than field limit (131072).",
        ),
    ],
)
def test_bad_tables(write: Write, content: str | bytes, message: str) -> None:
    path = write(content)
    assert refusal(cells(), path) == f"{path}{message}"


@pytest.mark.parametrize("value", ["1.5", "1e3", "9223372036854775808", "x"])
def test_a_start_must_be_a_whole_number(write: Write, value: str) -> None:
    path = write(f"seq,cell,part,from\nACGT,a,tr,{value}\n")
    message = f"{path}, line 2: column 'from' has {value!r}; it must be a whole number."
    assert refusal(cells({"start": "from"}), path) == message


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not there")
def test_dhs_4cell_is_built_as_its_card_says(tmp_path: Path) -> None:
    card = load_card("dhs-4cell")
    name = "dhs4_K562_hESCT0_HepG2_GM12878.tsv.gz"
    (source,) = card.sources
    dataset = write_splits(card, read(card, {source.file: SHARED / name}), tmp_path / "built")
    assert dataset.fingerprint == "17bdb8bfc90d8888062ff405359fb454f71645aa82174fe98f68afdf3d646d36"
    assert {name: len(split) for name, split in dataset.splits()} == {"train": 39_254, "valid": 4_053, "test": 4_565}
    assert dataset.test.about["chrom"].unique().to_pylist() == ["chr1"]
    assert dataset.valid.about["chrom"].unique().to_pylist() == ["chr2"]
    assert {field.name: field.type for field in dataset.train.about.schema}["start"] == pa.int64()
