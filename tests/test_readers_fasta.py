"""FASTA: what is read, what headers say, how validation is held out, and what is refused."""

import contextlib
import gzip
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_cards import collect, make_card

from motifzoo.data_cards import onehot
from motifzoo.data_cards.cards import Card, Fasta
from motifzoo.data_cards.readers import fasta, gather, read, text
from motifzoo.data_cards.store import write_splits
from motifzoo.errors import DataError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FORMS = (
    "A label is the whole header (`>1`), its last field (`>peak_7 1`, `>peak_7|1`), or stated anywhere in it "
    "(`>peak_7 label=1`)."
)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "peaks.fa") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def three_files(write: Write, train: str, valid: str, test: str, **card: object) -> tuple[Card, dict[str, Path]]:
    contents = {"train": train, "valid": valid, "test": test}
    files = {f"{split}.fa": write(content, f"{split}.fa") for split, content in contents.items()}
    sources = [(f"{split}.fa", split) for split in contents]
    return make_card(Fasta(format="fasta"), sources, **{"length": 4, **card}), files


# What a file says.


def test_records_in_the_order_of_the_file(write: Write) -> None:
    found = list(fasta.records(write(">a 1\nACGT\nAC\n\n>b 0\n  acgRYN  \n")))
    assert found == [fasta.Record("a 1", "ACGTAC", 1, 1, 0), fasta.Record("b 0", "ACGRYN", 5, 2, 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_line_ends_byte_order_marks_and_gzip_do_not_matter(
    write: Write, start: str, end: str, pack: Callable[[bytes], bytes]
) -> None:
    content = start + end.join([">é|1", "AC", "GT", ">b|0", "GGCC"])
    found = [(r.header, r.sequence) for r in fasta.records(write(pack(content.encode())))]
    assert found == [("é|1", "ACGT"), ("b|0", "GGCC")]


def test_gzip_is_known_by_its_content_not_its_name(write: Write) -> None:
    assert next(fasta.records(write(gzip.compress(b">1\nACGT\n"), "x.fa"))).sequence == "ACGT"
    assert next(fasta.records(write(">1\nACGT\n", "x.fa.gz"))).sequence == "ACGT"


ids = st.text("abcXYZ019_.-:", min_size=1, max_size=8).filter(lambda s: fasta.header_place(f"{s}", 5) is None)
HEADERS: dict[str, tuple[Callable[[str, str], str], bool]] = {
    "the whole header": (lambda name, label: label, False),
    "the last word": (lambda name, label: f"{name} {label}", True),
    "the last word after a place": (lambda name, label: f"{name} chr1:10-15(+)\t{label}", True),
    "after a bar": (lambda name, label: f"{name}|{label}", True),
    "after a bar and spaces": (lambda name, label: f"{name} | {label}", True),
    "stated first": (lambda name, label: f"label={label} {name}", True),
    "stated last": (lambda name, label: f"{name} length=5|label={label}", True),
    "stated in quotes": (lambda name, label: f'{name} Label="{label}" 0', True),
}


@pytest.mark.parametrize("form", HEADERS)
@settings(deadline=None)
@given(ids, st.sampled_from(["0", "1", "K562", "HepG2,K562", "a;b"]))
def test_every_form_of_label(form: str, name: str, label: str) -> None:
    make, has_id = HEADERS[form]
    header = make(name, label)
    assert fasta.header_label(header) == label
    assert fasta.header_id(header) == (name if has_id else None)


@pytest.mark.parametrize(
    ("header", "label", "name"),
    [
        ("", None, None),
        ("chr1:100-200", None, "chr1:100-200"),
        ("chr1:100-200(-)", None, "chr1:100-200(-)"),
        ("peak chr1:100-200", None, "peak"),
        ("peak length=200", None, "peak"),
        ("peak label=", "", "peak"),
        ('peak label="two words"', "two words", "peak"),
        ("label=1 label=1", "1", None),
        ("mylabel=0 peak 1", "1", "mylabel=0"),
        ("1 0", "0", "1"),
        ("1 1", "1", "1"),
        ("sp|P04637|P53_HUMAN 1", "1", "sp|P04637|P53_HUMAN"),
    ],
)
def test_labels_and_ids_of_headers(header: str, label: str | None, name: str | None) -> None:
    assert fasta.header_label(header) == label
    assert fasta.header_id(header) == name


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("peak label=1 label=0", "the header states 2 labels: '0', '1'."),
        (
            "peak 0 1",
            "the header ends in '0' and '1', and either may be the label. Write `label=` before the one that is.",
        ),
    ],
)
def test_headers_with_two_labels_are_refused(write: Write, header: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        fasta.header_label(header)
    assert str(error.value) == message
    path = write(f">1\nACGT\n>{header}\nACGT\n")
    with pytest.raises(DataError) as error:
        fasta.survey(path)
    assert str(error.value) == f"{path}, line 3: record 2 ('>{header}'): {message}"


def test_name_of_a_header_whose_label_is_elsewhere() -> None:
    assert fasta.header_name("sp|P04637|P53_HUMAN tumour protein") == "sp|P04637|P53_HUMAN"
    assert fasta.header_name("") is None


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("chr1:100-200", ("chr1", 100, 200)),
        ("chr1:100-200(+)", ("chr1", 100, 200)),
        ("peak_7::chr1:100-200(-) 1", ("chr1", 100, 200)),
        ("peak|chrUn_KI270742v1:100-200|1", ("chrUn_KI270742v1", 100, 200)),
        ("chr1:101-200 1", ("chr1", 100, 200)),  # samtools faidx: from 1, the end included
        ("chr1:0-100", ("chr1", 0, 100)),
        ("chr1:50-900 1", ("chr1", 50, 900)),  # the peak, of which the sequence is a part
        ("chr1:200-100", None),
        ("chr1:100", None),
        ("1", None),
        ("a:b:1-2", None),
    ],
)
def test_places_of_headers(header: str, place: tuple[str, int, int] | None) -> None:
    assert fasta.header_place(header, 100) == place


def test_survey_of_a_file(write: Write) -> None:
    found = fasta.survey(write(">a::chr1:0-4 x\nACgt\n>b::chr1:4-8 y\nACGT\n>c::chr2:0-4 y\nacgt\n"))
    assert found == fasta.Survey(3, 4, Counter(x=1, y=2), named=True, placed=True, masked=6)
    found = fasta.survey(write(">1\nACGT\n>chr1:0-4 0\nACGT\n"))
    assert found == fasta.Survey(2, 4, Counter({"1": 1, "0": 1}), named=False, placed=False, masked=0)


def test_survey_with_labels_from_a_table(write: Write) -> None:
    table = {"a": "1", "b": "0"}

    def label_of(header: str) -> str:
        name = fasta.header_name(header) or ""
        if name not in table:
            raise DataError(f"{name!r} is not in labels.tsv.")
        return table[name]

    found = fasta.survey(write(">a some words\nACGT\n>b others\nACGT\n"), label_of, fasta.header_name)
    assert found == fasta.Survey(2, 4, Counter({"1": 1, "0": 1}), named=True, placed=False, masked=0)
    path = write(">a\nACGT\n>c\nACGT\n")
    with pytest.raises(DataError) as error:
        fasta.survey(path, label_of, fasta.header_name)
    assert str(error.value) == f"{path}, line 3: record 2 ('>c'): 'c' is not in labels.tsv."


# A data set.


@st.composite
def labelled(draw: st.DrawFn) -> list[tuple[str, int]]:
    length = draw(st.integers(1, 30))
    sequence = st.text(onehot.LETTERS + onehot.LETTERS.lower(), min_size=length, max_size=length)
    return draw(st.lists(st.tuples(sequence, st.integers(0, 1)), min_size=1, max_size=40))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(labelled(), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_is_read(
    write: Write, records: list[tuple[str, int]], width: int, end: str, packed: bool
) -> None:
    lines = []
    for number, (sequence, label) in enumerate(records):
        lines.append(f">s{number}::chr1:{number}-{number + len(sequence)}(+) {label}")
        lines += [sequence[begin : begin + width] for begin in range(0, len(sequence), width)]
    content = end.join([*lines, ""]).encode()
    path = write(gzip.compress(content) if packed else content)
    length = len(records[0][0])
    card = make_card(Fasta(format="fasta"), [(f"{s}.fa", s) for s in ("train", "valid", "test")], length=length)
    splits = collect(read(card, dict.fromkeys(("train.fa", "valid.fa", "test.fa"), path)))
    for split in splits.values():
        assert onehot.decode(split.codes) == [sequence.upper() for sequence, _ in records]
        assert split.labels.tolist() == [[label] for _, label in records]
        assert split.about.to_pylist() == [
            {"id": f"s{number}::chr1:{number}-{number + length}(+)", "chrom": "chr1", "start": number,
             "end": number + length}
            for number in range(len(records))
        ]  # fmt: skip


def test_a_data_set_is_built_and_opened(write: Write, tmp_path: Path) -> None:
    card, files = three_files(write, ">1\nACGT\n>0\nACGN\n", ">1\nCCGT\n>0\nACGA\n", ">1\nACRT\n>0\nACGG\n")
    dataset = write_splits(card, read(card, files), tmp_path / "built")
    assert {name: onehot.decode(split.codes) for name, split in dataset.splits()} == {
        "train": ["ACGT", "ACGN"],
        "valid": ["CCGT", "ACGA"],
        "test": ["ACRT", "ACGG"],
    }
    assert dataset.test.labels.tolist() == [[1], [0]]
    assert dataset.test.about is None


def test_classes_of_multi_class_and_multi_label_sets(write: Write) -> None:
    content = ">s1 liver\nACGT\n>s2 a b\nACGT\n"
    card, files = three_files(write, content, content, content, classes=("a b", "liver"), task="multi-class")
    with pytest.raises(DataError) as error:
        collect(read(card, files))
    assert (
        str(error.value) == f"{files['train.fa']}, line 3: record 2 ('>s2 a b'): the label 'b' is none of a b, liver."
    )
    content = '>s1 liver\nACGT\n>s2 label="a b"\nACGT\n'
    card, files = three_files(write, content, content, content, classes=("a b", "liver"), task="multi-class")
    assert collect(read(card, files))["test"].labels.tolist() == [[0, 1], [1, 0]]
    content = '>s1 x,y\nACGT\n>s2 label="y; z"\nACGT\n>s3 label=\nACGT\n>s4 z\nACGT\n'
    card, files = three_files(write, content, content, content, classes=("x", "y", "z"), task="multi-label")
    assert collect(read(card, files))["test"].labels.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]]


def test_about_has_only_what_every_file_has(write: Write) -> None:
    named, unnamed = ">a chr1:0-4 1\nACGT\n>b chr1:4-8 0\nACGT\n", ">a 1\nACGT\n>b 0\nACGT\n"
    card, files = three_files(write, named, named, unnamed)
    schema = pa.schema([("id", pa.string())])
    assert [split.about.schema for split in collect(read(card, files)).values()] == [schema] * 3
    card, files = three_files(write, named, named, ">1\nACGT\n>0\nACGT\n")
    assert [split.about for split in collect(read(card, files)).values()] == [None] * 3


def test_lower_case_is_told_once_a_file(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    card, files = three_files(write, ">1\nACgt\n>0\nACGT\n", ">1\nACGT\n>0\nACGT\n", ">1\nacgt\n>0\nacgn\n")
    with caplog.at_level(logging.INFO, "motifzoo"):
        assert onehot.decode(collect(read(card, files))["train"].codes) == ["ACGT", "ACGT"]
    assert [record.getMessage() for record in caplog.records] == [
        "train.fa: 2 of 8 letters are lower case (soft-masked); they are read as upper case.",
        "test.fa: 8 of 8 letters are lower case (soft-masked); they are read as upper case.",
    ]


def test_long_files_come_in_pieces(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MAX_ROWS", 3)
    content = "".join(
        f">{label}\n{sequence}\n" for label, sequence in zip("1010101", ["ACGT"] * 6 + ["CCCC"], strict=True)
    )
    card, files = three_files(write, content, content, content)
    pieces = [(name, len(piece)) for name, piece in read(card, files)]
    assert pieces == [(name, size) for name, size in
                      [("train", 3), ("train", 3), ("valid", 3), ("valid", 3), ("test", 3), ("test", 3),
                       ("train", 1), ("valid", 1), ("test", 1)]]  # fmt: skip
    assert onehot.decode(collect(read(card, files))["valid"].codes)[-1] == "CCCC"


# Validation held out of the training file.


def held_out(write: Write, labels: str, share: float, **card: object) -> tuple[list[int], list[int]]:
    """The numbers of the training records that are trained on, and that are held out."""
    sequences = onehot.decode(
        np.stack([np.array([n // 64 % 4, n // 16 % 4, n // 4 % 4, n % 4], np.uint8) for n in range(256)])
    )
    train = write("".join(f">{label}\n{sequences[row]}\n" for row, label in enumerate(labels)), "train.fa")
    sources = [("train.fa", "train"), ("test.fa", "test")]
    made = make_card(Fasta(format="fasta", valid_share=share), sources, **{"length": 4, **card})
    splits = collect(read(made, {"train.fa": train, "test.fa": write(">1\nACGT\n>0\nACGT\n", "test.fa")}))
    found = [[sequences.index(s) for s in onehot.decode(splits[name].codes)] for name in ("train", "valid")]
    for name, rows in zip(("train", "valid"), found, strict=True):
        if made.task == "binary":
            assert splits[name].labels[:, 0].tolist() == [int(labels[row]) for row in rows]
    return found[0], found[1]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.text("01", min_size=10, max_size=80).filter(lambda s: min(s.count("0"), s.count("1")) > 4), st.floats(0.2, 0.9)
)
def test_the_last_share_of_each_label_is_held_out(write: Write, labels: str, share: float) -> None:
    trained, valid = held_out(write, labels, share)
    assert sorted(trained + valid) == list(range(len(labels)))
    assert trained == sorted(trained)
    assert valid == sorted(valid)
    for label in "01":
        rows = [row for row, other in enumerate(labels) if other == label]
        assert [row for row in valid if labels[row] == label] == rows[len(rows) - round(share * len(rows)) :]


def test_of_a_multi_label_set_the_last_share_of_all_is_held_out(write: Write) -> None:
    trained, valid = held_out(write, "0101010111", 0.2, task="multi-label", classes=("0", "1"))
    assert (trained, valid) == (list(range(8)), [8, 9])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not there")
def test_windows_held_out_of_tp53_do_not_overlap_with_training() -> None:
    """Overlapping windows stand together: a random tenth would share 50 nt with training in half of its sequences."""
    sources = [("TP53.train.fasta", "train"), ("TP53.test.fasta", "test")]
    card = make_card(Fasta(format="fasta", valid_share=0.1), sources, length=200)
    splits = collect(read(card, {name: SHARED / name for name, _ in sources}))
    assert {name: len(split) for name, split in splits.items()} == {"train": 3988, "valid": 444, "test": 494}
    assert {name: split.labels.mean() for name, split in splits.items()} == {"train": 0.5, "valid": 0.5, "test": 0.5}
    sequences = onehot.decode(splits["train"].codes) + onehot.decode(splits["valid"].codes)

    def shared(held: set[int]) -> float:
        rest = {s[i : i + 50] for row, s in enumerate(sequences) if row not in held for i in range(151)}
        return float(np.mean([any(sequences[row][i : i + 50] in rest for i in range(151)) for row in held]))

    assert shared(set(range(3988, 4432))) < 0.01
    assert shared(set(np.random.default_rng(0).permutation(4432)[:444].tolist())) > 0.4


# What is refused.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty: there is no record in it."),
        ("\n \n", " is empty: there is no record in it."),
        (
            "ACGT\n>1\nACGT\n",
            ", line 1: 'ACGT' stands before the first header; in a FASTA file a line with `>` and a name comes before "
            "each sequence.",
        ),
        (">a 1\n\n>b 0\nACGT\n", ", line 1: record 1 ('>a 1') has no sequence."),
        (">a 1\nACGT\n>b 0\n", ", line 3: record 2 ('>b 0') has no sequence."),
        (
            ">a 1\nACGU\n",
            ", line 1: record 1 ('>a 1'): 'U' at position 4 is not DNA (A, C, G, T, N or an IUPAC code). This looks "
            "like RNA: write T for U.",
        ),
        (
            ">a 1\nACGT\n>1\nMEEPQ\nSDPSV\n",
            ", line 3: record 2 ('>1'): 'E' at position 2 is not DNA (A, C, G, T, N or an IUPAC code). This looks like "
            "protein, and the networks read DNA.",
        ),
        (
            ">a 1\nAC--GT\n",
            ", line 1: record 1 ('>a 1'): '-' at position 3 is not DNA (A, C, G, T, N or an IUPAC code). Take the gaps "
            "of the alignment out.",
        ),
        (
            ">a 1\nACGT\nAC1T\n",
            ", line 1: record 1 ('>a 1'): '1' at position 7 is not DNA (A, C, G, T, N or an IUPAC code).",
        ),
        (
            ">a 1\nAC GT\n",
            ", line 1: record 1 ('>a 1'): ' ' at position 3 is not DNA (A, C, G, T, N or an IUPAC code).",
        ),
        (
            ">a 1\nACÅT\n",
            ", line 1: record 1 ('>a 1'): 'Å' at position 3 is not DNA (A, C, G, T, N or an IUPAC code).",
        ),
        (
            f">{'a' * 70} 1\nX\n",
            f", line 1: record 1 ('>{'a' * 56}...'): 'X' at position 1 is not DNA (A, C, G, T, N or an IUPAC code). "
            "This looks like protein, and the networks read DNA.",
        ),
        (b">a 1\nACGT\n>\xe9 0\nACGT\n", ", line 3: byte 0xe9 is not UTF-8 text. Save the file as UTF-8."),
        (">1\nACGT\n".encode("utf-16"), ", line 1: byte 0xff is not UTF-8 text. Save the file as UTF-8."),
        (
            b"<!DOCTYPE html>\n<html></html>\n",
            " is an HTML page, not a text file. A server sends such a page in place of a file that it does not have: "
            "get the file again.",
        ),
        (b"PK\x03\x04rest", " is a zip archive, not a text file. Unpack it first."),
        (b"\x89HDF\r\n\x1a\nrest", " is an HDF5 file, not a text file."),
        (
            gzip.compress(b">1\nACGT\n" * 1000, mtime=0)[:-8],
            " is cut short or damaged after line 2000 (Compressed file ended before the end-of-stream marker was "
            "reached). Get it again.",
        ),
        (
            ">1\nACGT\n>0\nACG\n>0\nACGTA\n>1\nACGT\n",
            " has sequences of 3 lengths, 3 to 5 nt (4 nt most often); the first that differs is record 2, line 3. All "
            "must be equally long: cut them out anew, around their centres.",
        ),
        (
            ">a 1\nACGT\n>b 1\nACGT\n>a 0\nACGT\n",
            ", line 5: record 3 ('>a 0') has the id 'a', and so has record 1: ids must be different.",
        ),
        (">1\nACGT\n>chr1:0-4\nACGT\n", f", line 3: record 2 ('>chr1:0-4') has no label. {FORMS}"),
        (">\nACGT\n", f", line 1: record 1 ('>') has no label. {FORMS}"),
        (
            ">peak_1\nACGT\n>peak_2\nACGT\n>peak_3\nACGT\n",
            f": its 3 headers end in as many different words, so no labels. {FORMS}",
        ),
    ],
)
def test_bad_files(write: Write, content: str | bytes, message: str) -> None:
    path = write(content)
    with pytest.raises(DataError) as error:
        fasta.survey(path)
    assert str(error.value) == f"{path}{message}"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.fa", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError) as error:
            next(fasta.records(path))
        assert str(error.value) == f"cannot read {path}: {reason}."


def test_a_genome_is_refused_before_it_fills_the_memory(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fasta, "MAX_LENGTH", 100)
    path = write(">chr1\n" + "ACGT\n" * 26)
    with pytest.raises(DataError) as error:
        next(fasta.records(path))
    assert str(error.value) == (
        f"{path}, line 1: record 1 ('>chr1') has more than 100 nt: this looks like a genome. Cut windows of equal "
        "length out of it first, as `bedtools getfasta` does."
    )


def test_a_line_without_end_is_refused(write: Write) -> None:
    path = write(gzip.compress(b">1\n" + b"A" * 5_000_000))
    with pytest.raises(DataError) as error:
        next(fasta.records(path))
    assert str(error.value) == f"{path}, line 2: the line has more than 2,000,000 characters."


def test_a_gzip_bomb_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_TRUSTED", 100_000)
    path = write(gzip.compress(b">1\nACGT\n" * 100_000))
    with pytest.raises(DataError) as error:
        fasta.survey(path)
    assert str(error.value) == (
        f"{path} expands to more than 100 times its size, which sequences do not. If it is what it should be, unpack "
        "it and give the unpacked file."
    )
    assert fasta.survey(write(b">1\nACGT\n" * 100_000)).records == 100_000


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(write: Write, content: bytes) -> None:
    for begin in (b"", b">1\n", b"\x1f\x8b\x08\x00"):
        path = write(begin + content)
        with contextlib.suppress(DataError):  # any other error fails the test
            assert all(set(record.sequence) <= set(onehot.LETTERS) for record in fasta.records(path))


def test_cards_that_do_not_fit_their_files(write: Write) -> None:
    content = ">1\nACGT\n>0\nACGT\n"
    card, files = three_files(write, content, content, content, length=5)
    with pytest.raises(DataError) as error:
        collect(read(card, files))
    assert str(error.value) == f"{files['train.fa']} has sequences of 4 nt; the card of 'mine' says 5."
    card, files = three_files(write, content, content, ">s1 1\nACGT\n>s2 yes\nACGT\n")
    with pytest.raises(DataError) as error:
        collect(read(card, files))
    assert str(error.value) == f"{files['test.fa']}, line 3: record 2 ('>s2 yes'): the label 'yes' is none of 0, 1."


@pytest.mark.parametrize(
    ("splits", "share", "message"),
    [
        (["train", None], 0.1, "data set 'mine': the card must say which split its source '1.fa' holds."),
        (["train"], 0.1, "data set 'mine': no source of the card holds its test split."),
        (
            ["train", "test"],
            None,
            "data set 'mine': no source of the card holds its valid split. `valid_share` holds a part of train out as "
            "valid.",
        ),
        (
            ["train", "valid", "test"],
            0.1,
            "data set 'mine': the card has a source for valid, and `valid_share` too. Remove one.",
        ),
    ],
)
def test_cards_whose_splits_have_no_file(write: Write, splits: list[str], share: float, message: str) -> None:
    path = write(">1\nACGT\n>0\nACGT\n")
    sources = [(f"{number}.fa", split) for number, split in enumerate(splits)]
    card = make_card(Fasta(format="fasta", valid_share=share), sources, length=4)
    with pytest.raises(DataError) as error:
        collect(read(card, {file: path for file, _ in sources}))
    assert str(error.value) == message
