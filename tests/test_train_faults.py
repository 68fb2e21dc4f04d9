"""`motifzoo train` when something goes wrong: a clear error, what was trained is kept, and the same command goes on."""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from filelock import FileLock
from own_files import labelled_fasta
from safetensors import SafetensorError

from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.own import Request, add
from motifzoo.errors import ModelError
from motifzoo.evaluate.cli import main
from motifzoo.zoo import publish, training
from motifzoo.zoo.alone import alone
from motifzoo.zoo.config import read_config
from motifzoo.zoo.load import load
from motifzoo.zoo.recipe import Recipe, find
from motifzoo.zoo.training import Trained

MODEL = "cnn-local-relu.tiny-own"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL, fork or limits of a process")
GRID = """
dataset = "{dataset}"
architectures = {architectures}
activations = ["{activation}"]
trials = {trials}
[training]
epochs = {epochs}
batch_size = 20
learning_rate = {rate}
"""


@pytest.fixture(scope="module", autouse=True)
def _data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIFZOO_DATA", str(folder / "data"))
        for name, length in (("tiny-own", 200), ("other-own", 200), ("short-own", 100)):
            add(Request(name=name, file=labelled_fasta(folder / f"{name}.fa", 90, length)))
        yield


def write_grid(folder: Path, **changes: Any) -> Path:
    settings = {"dataset": "tiny-own", "trials": 1, "epochs": 2, "rate": 1e-3, "activation": "relu"} | changes
    path = folder / "grid.toml"
    path.write_text(GRID.format(**{"architectures": ["cnn-local"]} | settings))
    return path


def train(recipe: Path | str, output: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["train", str(recipe), "--threads", "1", "--output", str(output), *more])


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def error_of(done: Result) -> str:
    """The one line of a user's mistake."""
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    line = done.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def weights_of(output: Path) -> dict[str, str]:
    """The content hash of every trial of every model in a folder; every one is whole and as its config states."""
    found = {}
    for config in output.glob("*/config.json"):
        model = read_config(config.parent)
        for trial in model.trials:
            assert Path(config.parent, "training.json").is_file()
            found[f"{model.name}:{trial.trial}"] = trial.sha256
            load(f"{config.parent}:{trial.trial}")
    return found


# Recipes and data


def test_a_recipe_with_an_unknown_field(tmp_path: Path) -> None:
    path = write_grid(tmp_path)
    path.write_text(path.read_text() + "momentum = 0.9\n")
    assert error_of(train(path, tmp_path / "models")) == (
        f"recipe {path} is not valid: training.momentum: unknown field (known: epochs, batch_size, learning_rate, "
        "beta1, beta2, eps, l2, layer1_l2, decay_factor, decay_patience, decay_margin, decay_floor, stop_patience, "
        "reverse_complements, shuffled_labels)."
    )
    assert not (tmp_path / "models").exists()


def test_a_data_set_that_is_not_built_shows_before_anything_is_trained(tmp_path: Path) -> None:
    """Though another grid of the recipe could be trained."""
    tables = [write_grid(tmp_path, dataset=name).read_text() for name in ("tiny-own", "basset-dnase164")]
    path = tmp_path / "two.toml"
    path.write_text("".join("[[grid]]" + table.replace("[training]", "[grid.training]") for table in tables))
    message = error_of(train(path, tmp_path / "models"))
    assert message.startswith("encode_roadmap.h5 (size not stated, sha256 not stated) must be got by hand: ")
    assert message.endswith("type the same command again after: export MOTIFZOO_MIRROR=/path/to/that/folder")
    assert not (tmp_path / "models").exists()


def test_a_network_that_is_too_deep_for_its_data_shows_before_anything_is_trained(tmp_path: Path) -> None:
    path = write_grid(tmp_path, dataset="short-own", architectures=["cnn-local", "cnn-deep"])
    message = error_of(train(path, tmp_path / "models"))
    assert message.startswith("cnn-deep-relu.short-own cannot be built: layer 'pool4' ")
    assert not (tmp_path / "models").exists()


# Model folders that are there already


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a learning curve that is cut short": (
        lambda folder: (folder / "training.json").write_text("[{"),
        "FOLDER/training.json is not a learning curve: Invalid JSON: EOF while parsing an object at line 1 column 2.",
    ),
    "scores of nothing": (
        lambda folder: (folder / "scores.json").write_text("{}"),
        "FOLDER/scores.json is not valid: model: Field required; ",
    ),
    "weights that are cut short": (
        lambda folder: (folder / "model.safetensors").write_bytes(b""),
        "FOLDER/model.safetensors is cut short: 0 bytes are no safetensors file.",
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_damaged_model_folder_shows_before_the_next_trial_is_trained(case: str, tmp_path: Path) -> None:
    path, models = write_grid(tmp_path, trials=2), tmp_path / "models"
    assert train(path, models, "--trial", "0").exit_code == 0
    spoil, message = SPOILED[case]
    spoil(models / MODEL)
    done = train(path, models, "--trial", "1")
    assert error_of(done).startswith(message.replace("FOLDER", str(models / MODEL)))
    assert " epoch " not in done.stderr
    assert not (models / MODEL / "trial-1").exists()


def test_a_trial_whose_weights_are_elsewhere_is_not_trained_again_and_says_so(tmp_path: Path) -> None:
    path, models = write_grid(tmp_path), tmp_path / "models"
    assert train(path, models).exit_code == 0
    (models / MODEL / "model.safetensors").unlink()
    done = train(path, models)
    assert done.exit_code == 0
    assert done.stderr.splitlines()[-1] == (
        f"{MODEL}:0 is already in {models / MODEL}, without its weights: fetch them, or train into another folder"
    )


def test_what_others_put_into_the_folder_stays_there(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / ".tmp-folder").mkdir(parents=True)
    (models / ".tmp-0123456789ab-mine").mkdir()
    (models / ".tmp-notes").write_text("mine")
    assert train(write_grid(tmp_path), models).exit_code == 0
    assert {path.name for path in models.glob(".tmp-*")} == {".tmp-folder", ".tmp-0123456789ab-mine", ".tmp-notes"}


def test_what_a_killed_trainer_half_wrote_into_a_model_folder_goes(tmp_path: Path) -> None:
    """And only what trainers write there: the rest may be another command's that is at work, or the user's."""
    models = tmp_path / "models"
    gone = ["model.safetensors", "training.json", "config.json", "trial-1/model.safetensors", "trial-12/training.json"]
    stay = ["README.md", "scores.json", "mine/model.safetensors"]
    half = {name: models / MODEL / name for name in (*gone, *stay)} | {"mine": models / "mine" / "model.safetensors"}
    half = {name: path.with_name(f".tmp-0123456789ab-{path.name}") for name, path in half.items()}
    for path in half.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with alone(models):
        assert [name for name, path in half.items() if path.exists()] == [*stay, "mine"]


def finished_trial(folder: Path) -> tuple[Recipe, Trained]:
    """A trial of one epoch, not yet in a model folder."""
    (recipe,) = find(str(write_grid(folder, epochs=1)))
    path = folder / "run.safetensors"
    return recipe, training.train(recipe, 0, load_dataset("tiny-own"), device=torch.device("cpu"), checkpoint_path=path)


@POSIX
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_trial_whose_replacement_was_killed_is_replaced_again(writes: int, tmp_path: Path) -> None:
    """Also where its old entry is beside its new weights."""
    recipe, trained = finished_trial(tmp_path)
    folder = tmp_path / recipe.name
    before = publish.add_trial(folder, recipe, trained).trials[0].sha256
    with torch.no_grad():
        trained.network.get_parameter("head.bias").add_(1)

    def killed() -> None:
        replace, done = os.replace, 0

        def fatal(*given: Any) -> None:
            nonlocal done
            replace(*given)
            done += 1
            if done == writes:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = fatal  # type: ignore[assignment]
        publish.add_trial(folder, recipe, trained)

    assert child(killed) == -signal.SIGKILL
    assert read_config(folder).trials[0].sha256 == before
    after = publish.add_trial(folder, recipe, trained).trials[0].sha256
    assert after != before
    assert weights_of(tmp_path) == {f"{MODEL}:0": after}


def test_a_damaged_trial_beside_the_one_to_be_replaced_is_refused(tmp_path: Path) -> None:
    recipe, trained = finished_trial(tmp_path)
    folder = tmp_path / recipe.name
    publish.add_trial(folder, recipe, trained)
    with torch.no_grad():
        trained.network.get_parameter("head.bias").add_(1)
    other = Trained(trained.network, trained.state.model_copy(update={"seed": 1}))
    publish.add_trial(folder, recipe, other)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError) as error:
        publish.add_trial(folder, recipe, other)
    assert str(error.value) == f"{folder / 'model.safetensors'} is cut short: 0 bytes are no safetensors file."


# Replicas that diverge


@pytest.mark.parametrize("trials", [1, 2])
def test_weights_that_are_no_numbers_are_not_published(trials: int, tmp_path: Path) -> None:
    """The loss of every batch is finite, while running averages of exp(x) overflow."""
    path = write_grid(tmp_path, trials=trials, epochs=1, rate=3, activation="exponential")
    name, models = MODEL.replace("relu", "exponential"), tmp_path / "models"
    for _ in range(2):  # and a second time from the checkpoints, which stay
        done = train(path, models)
        names = ", ".join(sorted(f"{name}:{trial}" for trial in range(trials)))
        message = error_of(done)
        listed, _, rest = message.partition(" diverged: ")
        assert ", ".join(sorted(listed.split(", "))) == names
        assert rest == (
            "a loss, weight or prediction is not a finite number, so there is no model. A lower learning rate may help."
        )
        assert f"{name}:0 ended with weights or predictions that are NaN or infinite in epoch 1" in done.stderr
        assert len(list((models / ".checkpoints").glob("*.safetensors"))) == trials
        assert weights_of(models) == {}


def test_what_diverges_does_not_keep_other_data_sets_from_being_trained(tmp_path: Path) -> None:
    first = write_grid(tmp_path, rate=1e30).read_text()
    second = write_grid(tmp_path, dataset="other-own").read_text()
    path = tmp_path / "two.toml"
    path.write_text("".join("[[grid]]" + table.replace("[training]", "[grid.training]") for table in (first, second)))
    assert error_of(train(path, tmp_path / "models")) == (
        f"{MODEL}:0 diverged: a loss, weight or prediction is not a finite number, so there is no model. A "
        "lower learning rate may help."
    )
    assert list(weights_of(tmp_path / "models")) == ["cnn-local-relu.other-own:0"]


# Memory


@pytest.mark.parametrize("trials", [1, 2])
def test_out_of_memory(trials: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or in stacks that have become as small as can be."""

    def refuse(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("motifzoo.zoo.training._train_epoch", refuse)
    monkeypatch.setattr("motifzoo.zoo.stacked_epoch.Stack.backward", refuse)
    assert error_of(train(write_grid(tmp_path, trials=trials), tmp_path / "models")) == (
        f"{MODEL}:0 does not fit in this machine's free memory. Choose a smaller batch_size in the recipe, or wait "
        "until other programs have ended."
    )


# Two trainers on one folder


@pytest.mark.parametrize("trials", [1, 2])
def test_a_second_trainer_is_refused_until_the_first_ends(trials: int, tmp_path: Path) -> None:
    """Also when all that it wants is a single trial, or a trial that the first has just finished."""
    models = tmp_path / "models"
    path = write_grid(tmp_path, trials=trials)
    models.mkdir()
    with FileLock(models / ".training.lock"):
        assert error_of(train(path, models)) == (
            f"another process is training into {models}. Wait for it to end, or train into another folder."
        )
        assert [entry.name for entry in models.iterdir()] == [".training.lock"]
    assert train(path, models).exit_code == 0
    assert len(weights_of(models)) == trials


def hold_the_lock(folder: str) -> None:
    """In a process of its own: have the folder, leave something half-written, say so, and wait for the kill."""
    with alone(Path(folder)):
        (Path(folder) / ".tmp-0123456789ab-half.safetensors").write_bytes(b"half")
        print("now", flush=True)
        signal.pause()


def process_of(function: str, *arguments: object) -> subprocess.Popen[str]:
    """A function of this file in a process of its own."""
    code = f"import runpy, sys; runpy.run_path(sys.argv[1])[{function!r}](*sys.argv[2:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, __file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
    )


@POSIX
def test_a_killed_trainer_gives_up_the_folder_and_what_it_half_wrote_goes(tmp_path: Path) -> None:
    models = tmp_path / "models"
    checkpoints = models / ".checkpoints"
    with process_of("hold_the_lock", checkpoints) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        refused = error_of(train(write_grid(tmp_path), models))
        process.send_signal(signal.SIGKILL)
    assert refused == (
        f"another process is training into {checkpoints}. Wait for it to end, or train into another folder."
    )
    assert train(write_grid(tmp_path), models).exit_code == 0
    assert sorted(entry.name for entry in checkpoints.iterdir()) == [".training.lock"]


# Kills, and a full disk


def child(work: Callable[[], object]) -> int:
    """The status of a child process that does this work, without another start of Python."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def train_killed_at_write(number: int, when: str, recipe: Path, output: Path) -> None:
    """Train, and be killed before or after the n-th file is put in its place."""
    replace, done = os.replace, 0

    def fatal(*given: Any) -> None:
        nonlocal done
        done += 1
        if done < number or when == "after":
            replace(*given)
        if done == number:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = fatal  # type: ignore[assignment]
    assert train(recipe, output).exit_code == 0


def train_with_small_files(recipe: Path, output: Path) -> None:
    """Train where no file can have more than 60 kB, which is less than a checkpoint has; the error goes to a file."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
    message = error_of(train(recipe, output))
    (output.parent / f"{output.name}.txt").write_text(message)


def suffer(given: str) -> None:
    """In a process of its own: all that befalls its children. Prints how many of each series were killed."""
    folder = Path(given)
    assert train(write_grid(folder), folder / "warm").exit_code == 0  # so that the children have everything imported
    kills = {}
    for trials in (1, 2):
        recipe = write_grid(folder, trials=trials)
        for when in ("before", "after"):
            output = folder / f"{trials}-{when}"
            for number in itertools.count(1):
                status = child(lambda: train_killed_at_write(number, when, recipe, output))  # noqa: B023  # called here
                if status == 0:
                    break
                assert status == -signal.SIGKILL
                kills[output.name] = number
        assert child(lambda: train_with_small_files(recipe, folder / f"{trials}-full")) == 0  # noqa: B023
    print(json.dumps(kills))


@pytest.fixture(scope="module")
def suffered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The folder that `suffer` left, and the numbers it printed."""
    folder = tmp_path_factory.mktemp("suffered")
    with process_of("suffer", folder) as process:
        output, _ = process.communicate()
    assert process.returncode == 0
    return folder, json.loads(output)


@POSIX
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("trials", [1, 2])
def test_a_kill_at_any_write_loses_nothing(
    trials: int, when: str, suffered: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    """Killed at its first write, again at its second, and so on: in the end there are the weights of a run in peace."""
    folder, kills = suffered
    assert kills[f"{trials}-{when}"] >= 4  # at the checkpoint, the weights, the curve and the config at least
    assert train(write_grid(tmp_path, trials=trials), tmp_path / "peace").exit_code == 0
    expected = weights_of(tmp_path / "peace")
    assert len(expected) == trials
    assert weights_of(folder / f"{trials}-{when}") == expected


@POSIX
@pytest.mark.parametrize("trials", [1, 2])
def test_a_checkpoint_that_the_disk_has_no_room_for(trials: int, suffered: tuple[Path, dict[str, int]]) -> None:
    folder, _ = suffered
    models = folder / f"{trials}-full"
    assert (folder / f"{trials}-full.txt").read_text() == (
        f"cannot write {models}/.checkpoints/{MODEL}.trial-0.safetensors: Error while serializing: I/O error: File too "
        "large (os error 27). Choose another folder."
    )
    assert [entry.name for entry in (models / ".checkpoints").iterdir()] == [".training.lock"]
    assert train(write_grid(folder, trials=trials), models).exit_code == 0
    assert len(weights_of(models)) == trials


def test_weights_that_the_disk_has_no_room_for_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial waits in its checkpoint."""
    path, models = write_grid(tmp_path), tmp_path / "models"

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.numpy.save_file", full)
        message = error_of(train(path, models))
    folder = models / MODEL
    assert message == (
        f"cannot write {folder}/model.safetensors: Error while serializing: I/O error: No space left on device (os "
        "error 28). Free some space or choose another folder."
    )
    assert list(folder.iterdir()) == []

    def none(*_: object) -> None:
        raise AssertionError("an epoch was trained again")

    monkeypatch.setattr(training, "_train_epoch", none)
    assert train(path, models).exit_code == 0
    assert len(weights_of(models)) == 1


def train_where_compiled_code_cannot_be_kept(recipe: str, output: str) -> None:
    """In a process of its own: no file can have more than 2 kB until training begins to write its own."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    begin = training.check_trainable

    def limited(*given: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, most))
        try:
            from motifzoo.zoo import mersenne_twister
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert {function.stats.cache_path for function in (mersenne_twister.below_, mersenne_twister._twist)} == {None}  # type: ignore[attr-defined]
        begin(*given)

    training.check_trainable = limited
    done = train(recipe, Path(output))
    assert done.exit_code == 0, done.output
    print(json.dumps(done.stderr.splitlines()))


@POSIX
def test_compiled_code_that_the_disk_has_no_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice, and the same weights."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "empty"))
    recipe = write_grid(tmp_path, trials=2)
    with process_of("train_where_compiled_code_cannot_be_kept", recipe, tmp_path / "full") as process:
        output, _ = process.communicate()
    assert process.returncode == 0
    said = "Notice: what numba compiles cannot be kept (File too large); it is compiled again each time."
    assert [line for line in json.loads(output) if "numba" in line] == [said]
    assert train(recipe, tmp_path / "peace").exit_code == 0
    assert weights_of(tmp_path / "full") == weights_of(tmp_path / "peace")


# Checkpoints of other runs


@pytest.mark.parametrize("trials", [1, 2])
def test_a_checkpoint_of_another_recipe_is_left_alone(
    trials: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("motifzoo.zoo.publish.add_trial", interrupt)
        assert train(write_grid(tmp_path, trials=trials), models).exit_code == 130
    before = hashes(models / ".checkpoints")
    assert before
    message = error_of(train(write_grid(tmp_path, trials=trials, epochs=3), models))
    path = models / ".checkpoints" / f"{MODEL}.trial-0.safetensors"
    assert message.startswith(f"checkpoint {path} was made with another recipe (")
    assert message.endswith("). Train into another folder, or delete it to start over.")
    assert hashes(models / ".checkpoints") == before


def hashes(folder: Path) -> Mapping[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}
