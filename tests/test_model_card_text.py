"""Text of others in cards and summaries, as a Markdown parser reads it: what it says, and nothing more."""

from html import escape

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from motifzoo.zoo.model_card.scores import FilterMatch, MetricScores, ScoredTrial, Scores
from motifzoo.zoo.model_card.tables import filter_table, plain, score_table, table

MARKDOWN = MarkdownIt("commonmark").enable(["strikethrough", "table"])

BEGINNINGS = st.sampled_from(
    ["", "1. ", "23) ", "4.", "- ", "+ ", "-", "---", "- - -", "# ", "===", "> ", "* ", "<!--", "&lt;", "| --- |"]
)
MARKS = st.text(alphabet="ab1 _*[]()<>&#;|~!\\-+=.:/\"'\n")
ANY = st.text(st.characters(exclude_characters="`\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("_x_ and __y__", r"\_x\_ and \_\_y\_\_"),
        ("log_relu of model.safetensors", "log_relu of model.safetensors"),
        ("~~gone~~", r"\~\~gone\~\~"),
        ("<https://example.org>", "&lt;https://example.org>"),
        ("see https://example.org", "see https://example.org"),
        ("Koo & Ploenzke, p < 0.05 > 0", "Koo & Ploenzke, p < 0.05 > 0"),
        ("`motifzoo evaluate` writes it", "`motifzoo evaluate` writes it"),
        ("-0.5", "-0.5"),
        ("0.5", "0.5"),
        ("2.13.0+cpu", "2.13.0+cpu"),
        ("1. first", r"1\. first"),
    ],
)
def test_only_what_means_something_is_escaped(text: str, line: str) -> None:
    assert plain(text) == line


@given(st.tuples(BEGINNINGS, MARKS | ANY).map("".join))
@example("12. a")
@example("a\\|b")
def test_a_parser_reads_the_very_text(text: str) -> None:
    line = " ".join(text.split())
    assume(line)
    told = escape(line).replace("&#x27;", "'")
    assert MARKDOWN.render(plain(text)) == f"<p>{told}</p>\n"
    assert MARKDOWN.render(table(("",), [(plain(text),)])).count(f"<td>{told}</td>") == 1


def test_tables_of_scores_that_others_wrote_hold_no_markup_of_theirs() -> None:
    hostile = "a | b <img src=x> [c](javascript:d) **e**"
    scores = Scores(
        model="a",
        benchmark="b",
        protocol=1,
        data_fingerprint="0" * 64,
        motifs_sha256="0" * 64,
        versions={},
        trials=(ScoredTrial(trial=0, sha256="0" * 64, device="cpu"),),
        metrics=(MetricScores(name="`x`<b>", title=hostile, unit=hostile, values=(0.5,), n=(2,)),),
        e_threshold=0.1,
        filters=(
            FilterMatch(
                filter=0, consensus="`<i>|", motif=hostile, motif_name="x", e=1e-5, hit=True, true_motif=hostile
            ),
        ),
        notes=(),
    )
    cell = "a | b &lt;img src=x&gt; [c](javascript:d) **e**"
    told = MARKDOWN.render(score_table(scores))
    assert (told.count(f">{cell}</td>"), told.count("'x'&lt;b&gt;</td>")) == (2, 1)
    filters = MARKDOWN.render(filter_table(scores))
    assert (filters.count(f">{cell}</td>"), filters.count(f">{cell} x</td>"), filters.count("</td>")) == (1, 1, 5)
    assert "<td>'&lt;i&gt;|</td>" in filters
