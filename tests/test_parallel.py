"""Many trials at once: the same results in the same order however they are computed, and no failure stops another."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from model_folders import ModelFactory, small_layers
from own_files import labelled_fasta

from motifzoo.data_cards.own import Request, add
from motifzoo.errors import MotifzooError
from motifzoo.evaluate.parallel import Outcome, evaluate_many
from motifzoo.zoo.sources import Source, find

DATASET = "parallel-tests"


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set of a few dozen sequences, so that a trial takes a moment; processes inherit where it is."""
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "cache"))
    add(Request(file=labelled_fasta(tmp_path / "peaks.fa"), name=DATASET))
    return DATASET


@pytest.fixture
def sources(make_model: ModelFactory, own_data: str) -> list[Source]:
    """Three trials; the weights of the second are not what its config states."""
    layers = small_layers()
    folder = make_model(f"tiny-relu.{own_data}", dataset=own_data, layers=layers, input_length=60, trials=3)
    found = [find(f"{folder}:{trial}") for trial in range(3)]
    found[1].weights.write_bytes(found[0].weights.read_bytes())
    return found


@dataclass(frozen=True)
class Deadly(Source):
    """Kills the process that it is sent to, as a machine without memory does."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.kill, (_Here(), signal.SIGKILL)


class _Here:
    """The number of whatever process reads it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.getpid, ()


def scores(outcomes: Iterator[Outcome]) -> list[tuple[str, object]]:
    return [
        (outcome.source.name, outcome.evaluated.result.metrics if outcome.evaluated else outcome.error)
        for outcome in outcomes
    ]


def test_processes_give_what_one_process_gives_in_the_same_order(sources: list[Source], tmp_path: Path) -> None:
    one = scores(evaluate_many(sources, tmp_path / "one"))
    two = scores(evaluate_many(sources, tmp_path / "two", jobs=2, fresh=True))
    assert two == one
    assert [name for name, _ in one] == [f"tiny-relu.{DATASET}:{trial}" for trial in range(3)]
    assert one[1][1] == (
        f"{sources[1].weights} has content hash {sources[0].sha256[:12]} and config.json states "
        f"{sources[1].sha256[:12]}: these are not the weights that were published. Fetch the model again."
    )
    for trial in (0, 2):
        assert set(one[trial][1]) >= {"classification/auroc", "filters/match_any"}
        written = tmp_path / "two" / f"tiny-relu.{DATASET}" / f"trial-{trial}" / f"{DATASET}@1" / "result.json"
        assert written.is_file()


@pytest.mark.slow
def test_a_killed_process_costs_its_own_trial_alone(sources: list[Source], tmp_path: Path) -> None:
    deadly = Deadly(**{field.name: getattr(sources[1], field.name) for field in fields(Source)})
    found = scores(evaluate_many([sources[0], deadly, sources[2]], tmp_path / "out", jobs=2))
    assert found[1][1] == (
        "its process was killed, most likely for want of memory: use fewer jobs or a machine with more."
    )
    assert isinstance(found[0][1], dict)
    assert isinstance(found[2][1], dict)


def test_a_trial_named_twice_is_refused(sources: list[Source], tmp_path: Path) -> None:
    with pytest.raises(MotifzooError) as caught:
        evaluate_many([sources[0], sources[0]], tmp_path)
    folder = sources[0].given
    assert str(caught.value) == (
        f"{folder} and {folder} are both trial tiny-relu.{DATASET}:0, so the files of one would replace those of the "
        "other. Name each trial once."
    )


@pytest.mark.slow
def test_ctrl_c_ends_the_processes(sources: list[Source], tmp_path: Path) -> None:
    """The script is interrupted when the first outcome is there; nothing that it started is left."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import multiprocessing, os, signal
            from contextlib import closing
            from pathlib import Path
            from motifzoo.evaluate.parallel import evaluate_many
            from motifzoo.zoo.sources import find

            if __name__ == "__main__":
                signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
                sources = [find("{sources[0].folder}:" + str(trial)) for trial in (0, 2)]
                try:
                    with closing(evaluate_many(sources, Path("out"), jobs=2)) as running:
                        for outcome in running:
                            print(*[child.pid for child in multiprocessing.active_children()], flush=True)
                            os.kill(os.getpid(), signal.SIGINT)
                except KeyboardInterrupt:
                    print("interrupted", multiprocessing.active_children(), flush=True)
        """)
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stderr == ""
    children, said = done.stdout.splitlines()
    assert said == "interrupted []"
    assert len(children.split()) == 2
    assert not any(_lives(int(child)) for child in children.split())


@pytest.mark.slow
def test_processes_end_with_a_parent_that_is_killed(sources: list[Source], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import multiprocessing, os, signal
            from pathlib import Path
            from motifzoo.evaluate.parallel import evaluate_many
            from motifzoo.zoo.sources import find

            if __name__ == "__main__":
                sources = [find("{sources[0].folder}:" + str(trial)) for trial in (0, 2)]
                for outcome in evaluate_many(sources, Path("out"), jobs=2):
                    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
        """)
    )
    # Not its pipes: whoever lives on would hold them open. Python's resource tracker may still complain of the kill.
    with (tmp_path / "said").open("w") as said, (tmp_path / "errors").open("w") as errors:
        subprocess.run([sys.executable, script], cwd=tmp_path, stdout=said, stderr=errors, check=False, timeout=300)
    children = [int(child) for child in (tmp_path / "said").read_text().split()]
    assert len(children) == 2, (tmp_path / "errors").read_text()
    deadline = time.monotonic() + 60
    while any(_lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_lives(child) for child in children)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_cluster_gives_what_one_process_gives(sources: list[Source], tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    one = scores(evaluate_many(sources, tmp_path / "one"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster, closing(
        evaluate_many(sources, tmp_path / "cluster", dask=cluster.scheduler_address, fresh=True)
    ) as running:  # fmt: skip
        assert scores(running) == one
    assert (tmp_path / "cluster" / f"tiny-relu.{DATASET}" / "trial-2" / f"{DATASET}@1" / "result.json").is_file()


def test_no_scheduler_at_the_address(sources: list[Source], tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with pytest.raises(MotifzooError) as caught:
        list(evaluate_many(sources, tmp_path, dask="nonsense"))
    assert str(caught.value) == (
        "no Dask scheduler answers at 'nonsense': missing port number in address 'nonsense'. Give the address that "
        "`dask scheduler` prints, such as tcp://host:8786, or the path of its scheduler file."
    )


def test_without_dask_the_message_says_what_to_install(
    sources: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MotifzooError) as caught:
        list(evaluate_many(sources, tmp_path, dask="tcp://localhost:8786"))
    assert str(caught.value) == (
        "computing on a Dask cluster needs the package distributed, which is not installed here. "
        "Run: pip install 'motifzoo[dask]'"
    )
