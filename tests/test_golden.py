"""Golden values: what they are of, what the file holds, and that nothing in a file is taken on trust."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from model_folders import ModelFactory, small_layers
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from motifzoo.data_cards.motifs import jaspar2016
from motifzoo.data_cards.onehot import decode, to_onehot
from motifzoo.errors import ModelError
from motifzoo.evaluate import golden as command
from motifzoo.evaluate.golden import compute, filter_sequences, golden_sequences, golden_values, sources_of
from motifzoo.evaluate.scan import scan
from motifzoo.zoo.config import ModelConfig, read_config
from motifzoo.zoo.golden import GOLDEN, Golden, GoldenFacts, expected_shapes, read_golden, seal, write_golden
from motifzoo.zoo.layers import Attention, Layer
from motifzoo.zoo.load import load
from motifzoo.zoo.sources import PRETRAINED, find

NAME = "cnn-local-exponential.synthetic-codes"
TRIALS = [trial.trial for trial in read_config(PRETRAINED / NAME).trials]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packaged model's folder, with golden values computed here."""
    folder = tmp_path_factory.mktemp("original") / NAME
    shutil.copytree(PRETRAINED / NAME, folder)
    (folder / GOLDEN).unlink(missing_ok=True)
    write_golden(golden_values(find(str(folder))), folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(original, tmp_path / NAME))


def golden_of(folder: Path) -> Golden:
    found = read_golden(folder, read_config(folder))
    assert found is not None
    return found


# The sequences


def config_of(folder: Path, **changes: Any) -> ModelConfig:
    return read_config(folder).model_copy(update=changes)


def test_the_sequences_are_the_same_on_every_machine(original: Path) -> None:
    letters = "\n".join(decode(golden_sequences(read_config(original))))
    assert len(letters) == 8 * 201 - 1
    assert (
        hashlib.sha256(letters.encode()).hexdigest()
        == "6b6c36039e82277ab92bc8f09510b1e7be8c79cf78698e375a5b5fd087cabeb4"
    )


def test_the_sequences_carry_the_motifs_of_the_data_set(original: Path) -> None:
    """Five motifs in 1600 nt of random DNA would have less than two matches with p < 1e-4 by chance."""
    codes = golden_sequences(read_config(original))
    core = [motif for motif in jaspar2016() if motif.name in ("SP1", "Gabpa", "CEBPB", "MAX", "YY1")]
    assert len({int(row) for row in scan(codes, core, 1e-4).sequence}) >= 6


@pytest.mark.parametrize("length", [3, 7, 25, 1000])
def test_sequences_of_any_length_without_a_data_set(length: int, original: Path) -> None:
    data = read_config(original).dataset.model_copy(update={"name": "somebody-elses"})
    codes = golden_sequences(config_of(original, input_length=length, dataset=data))
    assert codes.shape == (8, length)
    assert codes.dtype == np.uint8
    assert codes.max() <= 3
    assert len(set(decode(codes))) > 1


def test_filter_matrices_are_of_the_sequences_and_their_shuffles(original: Path) -> None:
    codes = golden_sequences(read_config(original))
    found = filter_sequences(codes)
    assert found.shape == (256, 200)
    np.testing.assert_array_equal(found[:8], codes)
    composition = [np.bincount(row, minlength=4).tolist() for row in codes for _ in range(31)]
    assert [np.bincount(row, minlength=4).tolist() for row in found[8:]] == composition
    assert len(set(decode(found))) == 256


# The values


def test_the_values_are_what_the_model_gives(original: Path) -> None:
    golden, network = golden_of(original), load(str(original))
    onehot = torch.from_numpy(to_onehot(golden.codes)).requires_grad_()
    logits = network(onehot)
    np.testing.assert_allclose(golden.arrays["logits"], logits.detach().numpy(), rtol=1e-6)
    (gradient,) = torch.autograd.grad(torch.sigmoid(logits[:, 0]).sum(), onehot)
    expected = (gradient * onehot).sum(1).detach().numpy()
    np.testing.assert_allclose(golden.arrays["saliency"], expected, atol=1e-5 * np.abs(expected).max())
    with torch.inference_mode():
        maps = network.feature_maps(torch.from_numpy(to_onehot(filter_sequences(golden.codes))))
    np.testing.assert_allclose(golden.arrays["maxima"], maps.amax((0, 2)).numpy(), rtol=1e-5)
    windows = golden.arrays["counts"].sum(axis=1)  # of filters, columns: each window has one nucleotide a column
    np.testing.assert_array_equal(windows, np.repeat(windows[:, :1], 20, axis=1))
    assert windows.min() > 0


def test_mutagenesis_by_hand(original: Path) -> None:
    """The norm of what the three substitutions at a position change, for the first sequence."""
    golden, network = golden_of(original), load(str(original))
    wild = golden.codes[0]
    mutants = np.repeat(wild[None], 4 * 200, axis=0)
    mutants[np.arange(800), np.arange(800) // 4] = np.arange(800) % 4
    with torch.inference_mode():
        logits = network(torch.from_numpy(to_onehot(np.concatenate([wild[None], mutants])))).double()
    probabilities = torch.sigmoid(logits[:, 0]).numpy()
    expected = np.linalg.norm((probabilities[1:] - probabilities[0]).reshape(200, 4), axis=1)
    np.testing.assert_allclose(golden.arrays["mutagenesis"][0], expected, atol=1e-5 * expected.max())


def test_the_file_says_what_it_is_of(original: Path) -> None:
    facts = golden_of(original).facts
    config = read_config(original)
    assert (facts.model, facts.trial, facts.sha256, facts.protocol) == (NAME, 0, config.trial(0).sha256, 1)
    assert {"torch", "numpy", "tangermeme", "motifzoo", "python"} <= set(facts.versions)
    assert facts.device.startswith("cpu (")
    assert facts.left_out == {}
    assert facts.rounding.keys() == {"logits", "maxima", "saliency", "mutagenesis", "integrated_gradients"}
    assert all(1e-9 < size < 1e-4 for size in facts.rounding.values())  # float32 has 24 bits, 6e-8
    assert {name: array.shape for name, array in golden_of(original).arrays.items()} == expected_shapes(config)


def test_the_file_is_small_and_its_bytes_repeat(original: Path, tmp_path: Path) -> None:
    assert (original / GOLDEN).stat().st_size < 40_000
    write_golden(golden_of(original), tmp_path)
    assert (tmp_path / GOLDEN).read_bytes() == (original / GOLDEN).read_bytes()


def test_a_method_that_has_no_rule_for_a_layer_is_left_out_with_the_reason(make_model: ModelFactory) -> None:
    layers: list[Layer] = list(small_layers())
    layers.insert(4, Attention(name="attention", heads=2))
    folder = make_model(layers=tuple(layers))
    write_golden(golden_values(find(str(folder))), folder)
    golden = golden_of(folder)
    assert golden.facts.left_out == {
        "deepshap": "deepshap cannot explain layer 'attention' (attention): the rescale rule is defined for layers of "
        "one input and this one multiplies its inputs. Use saliency, mutagenesis or integrated_gradients."
    }
    assert golden.arrays.keys() == expected_shapes(read_config(folder)).keys() - {"deepshap"}


def test_values_that_are_not_finite_are_left_out(make_model: ModelFactory) -> None:
    folder = make_model(activation="exponential", scale=1e4)
    arrays, left_out = compute(load(str(folder)), golden_sequences(read_config(folder)))
    assert arrays.keys() & left_out.keys() == set()
    assert arrays.keys() | left_out.keys() == expected_shapes(read_config(folder)).keys()
    assert left_out["maxima"] == "6 of 6 values are not finite."
    assert all(np.isfinite(array).all() for array in arrays.values())


# Files that are not what they should be


def rewrite(folder: Path, facts: dict[str, Any] | None = None, **arrays: Any) -> None:
    """Change facts or tensors (None drops one) of a golden file, without telling its hash."""
    path = folder / GOLDEN
    with safe_open(path, framework="numpy") as handle:
        present = json.loads(handle.metadata()["golden"])
    tensors = {name: value for name, value in (load_file(path) | arrays).items() if value is not None}
    save_file(tensors, path, {"golden": json.dumps(present | (facts or {}))})


def another_letter(folder: Path) -> None:
    sequences = list(golden_of(folder).facts.sequences)
    sequences[3] = sequences[3][:-1] + ("A" if sequences[3][-1] != "A" else "C")
    rewrite(folder, {"sequences": sequences})


def another_value(folder: Path) -> None:
    path = folder / GOLDEN
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


ALL = "counts, deepshap, integrated_gradients, logits, maxima, mutagenesis, saliency"
SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (
        lambda folder: (folder / GOLDEN).write_bytes((folder / GOLDEN).read_bytes()[:5]),
        "PATH is cut short: 5 bytes are no safetensors file.",
    ),
    "a pickle": (
        lambda folder: (folder / GOLDEN).write_bytes(b"\x80\x04K\x01." * 100),
        "PATH is a pickle, not a safetensors file. Pickles can run code; nothing was loaded.",
    ),
    "one bit of a value": (
        another_value,
        "PATH is damaged: its values are not those that were written. Fetch the model again.",
    ),
    "one letter of a sequence": (
        another_letter,
        "PATH is damaged: its values are not those that were written. Fetch the model again.",
    ),
    "a rounding that would excuse drift": (
        lambda folder: rewrite(folder, {"rounding": {"logits": 0.009}}),
        "PATH is damaged: its values are not those that were written. Fetch the model again.",
    ),
    "a rounding that would excuse anything": (
        lambda folder: rewrite(folder, {"rounding": {"logits": 1e30}}),
        "PATH is not valid: rounding.logits: Input should be less than or equal to 0.01.",
    ),
    "a folder in its place": (
        lambda folder: ((folder / GOLDEN).unlink(), (folder / GOLDEN).mkdir()),
        "cannot read PATH: Is a directory.",
    ),
    "too large": (
        lambda folder: (folder / GOLDEN).write_bytes(b"\0" * 10_000_001),
        "PATH is larger than 10,000,000 bytes, which no golden values need.",
    ),
    "no facts": (
        lambda folder: save_file(load_file(folder / GOLDEN), folder / GOLDEN),
        "PATH does not say what its values are of: it is no file of golden values.",
    ),
    "facts that are no JSON": (
        lambda folder: save_file(load_file(folder / GOLDEN), folder / GOLDEN, {"golden": "{"}),
        "PATH is not valid: Expecting property name enclosed in double quotes: line 1 column 2 (char 1).",
    ),
    "an unknown field": (
        lambda folder: rewrite(folder, {"comment": "x"}),
        "PATH is not valid: comment: unknown field.",
    ),
    "a newer format": (
        lambda folder: rewrite(folder, {"format": 2, "comment": "x"}),
        "PATH has format 2 and this version of motifzoo knows formats up to 1: update it.",
    ),
    "another model": (
        lambda folder: rewrite(folder, {"model": "cnn-local-relu.synthetic-codes"}),
        f"PATH has the golden values of 'cnn-local-relu.synthetic-codes', and the folder holds '{NAME}'.",
    ),
    "other weights": (
        lambda folder: rewrite(folder, {"sha256": "0" * 64}),
        "PATH is of other weights of trial 0 than config.json states. Compute it anew: "
        "python -m motifzoo.evaluate.golden FOLDER",
    ),
    "a trial that there is not": (
        lambda folder: rewrite(folder, {"trial": 77}),
        f"model '{NAME}' has no trial 77; it has {', '.join(map(str, TRIALS))}.",
    ),
    "sequences of another length": (
        lambda folder: rewrite(folder, {"sequences": ["ACGT", "ACG"]}),
        "PATH has sequences of 3 and 4 nt and the model reads 200.",
    ),
    "a tensor too few": (
        lambda folder: rewrite(folder, saliency=None),
        f"PATH has or leaves out {ALL.removesuffix(', saliency')}; it must do so with each of {ALL}, once.",
    ),
    "a tensor too many": (
        lambda folder: rewrite(folder, payload=np.zeros(3, np.float32)),
        f"PATH has or leaves out {ALL.replace('saliency', 'payload, saliency')}; it must do so with each of {ALL}, "
        "once.",
    ),
    "a tensor that is left out and there": (
        lambda folder: rewrite(folder, {"left_out": {"saliency": "no"}}),
        f"PATH has or leaves out {ALL}, saliency; it must do so with each of {ALL}, once.",
    ),
    "another shape": (
        lambda folder: rewrite(folder, logits=np.zeros((8, 2), np.float32)),
        "tensor 'logits' in PATH is float32 [8, 2] and the model makes it float32 [8, 1].",
    ),
    "another type": (
        lambda folder: rewrite(folder, logits=np.zeros((8, 1), np.int64)),
        "tensor 'logits' in PATH is int64 [8, 1] and the model makes it float32 [8, 1].",
    ),
    "not a number": (
        lambda folder: rewrite(folder, logits=np.full((8, 1), np.nan, np.float32)),
        "tensor 'logits' in PATH holds 8 values that are NaN or infinite.",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_file_is_refused(how: str, folder: Path) -> None:
    spoil, message = SPOILED[how]
    spoil(folder)
    with pytest.raises(ModelError) as error:
        read_golden(folder, read_config(folder))
    assert str(error.value) == message.replace("PATH", str(folder / GOLDEN))


def test_a_folder_without_golden_values(folder: Path) -> None:
    (folder / GOLDEN).unlink()
    assert read_golden(folder, read_config(folder)) is None


def test_facts_take_no_letter_but_the_four() -> None:
    with pytest.raises(ValueError, match="sequences"):
        GoldenFacts(
            model="m",
            trial=0,
            sha256="0" * 64,
            values="0" * 64,
            protocol=1,
            sequences=("ACGN",),
            versions={},
            device="cpu",
        )


# The maintainers' command


def run(*arguments: object) -> tuple[int, str]:
    threads = torch.get_num_threads()
    done = CliRunner().invoke(command.main, [str(argument) for argument in arguments])
    torch.set_num_threads(threads)
    return done.exit_code, done.output


def test_the_command_writes_what_is_missing_or_of_other_weights(folder: Path) -> None:
    before = (folder / GOLDEN).read_bytes()
    assert run(folder) == (0, f"{NAME}: current\n")
    (folder / GOLDEN).unlink()
    assert run(folder) == (0, f"{NAME}: {round(len(before) / 1000)} kB\n")
    assert golden_of(folder).arrays.keys() == expected_shapes(read_config(folder)).keys()
    rewrite(folder, {"sha256": "0" * 64})
    assert run(folder) == (0, f"{NAME}: {round(len(before) / 1000)} kB\n")
    golden_of(folder)


def test_values_by_other_versions_are_kept_unless_asked(folder: Path) -> None:
    """Computed anew whenever a version changes, they would never show what the version changed."""
    golden = golden_of(folder)
    arrays = golden.arrays | {"logits": golden.arrays["logits"] + 1}
    facts = golden.facts.model_copy(update={"versions": {"torch": "1.0"}})
    write_golden(Golden(facts.model_copy(update={"values": seal(facts, arrays)}), arrays), folder)
    assert run(folder) == (0, f"{NAME}: current\n")
    assert run("--fresh", folder)[0] == 0
    assert golden_of(folder).facts.versions != {"torch": "1.0"}


def test_one_damaged_folder_does_not_keep_the_others_from_their_values(folder: Path, make_model: ModelFactory) -> None:
    (folder / GOLDEN).unlink()
    (folder / "model.safetensors").write_bytes(b"")
    other = make_model()
    code, output = run(folder, other)
    assert code == 1
    assert output.splitlines() == [
        f"{NAME}: {folder / 'model.safetensors'} is cut short: 0 bytes are no safetensors file.",
        f"tiny-relu.synthetic-codes: {round((other / GOLDEN).stat().st_size / 1000)} kB",
    ]


def test_a_folder_whose_name_looks_like_a_pattern(folder: Path, tmp_path: Path) -> None:
    strange = folder.rename(tmp_path / "mine[1]")
    assert [source.folder for source in sources_of([str(strange)])] == [strange]


def test_golden_values_of_models_of_ones_own_are_written_only_where_one_says_so(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MOTIFZOO_MODELS says which models there are besides, not which the maintainers' command may write to."""
    own = make_model()
    monkeypatch.setenv("MOTIFZOO_MODELS", str(tmp_path))
    code, said = run(own.name)
    assert code == 1
    assert said.startswith(f"Error: unknown model '{own.name}'")
    assert own.name not in {source.config.name for source in sources_of([], packaged=True)}
    assert own.name in {source.config.name for source in sources_of([])}  # which `motifzoo doctor` examines
    assert not (own / GOLDEN).exists()
    assert run(own)[0] == 0
    assert (own / GOLDEN).exists()


def test_which_models_are_meant(folder: Path) -> None:
    assert [source.config.name for source in sources_of(["*-exponential.synthetic-codes", NAME])] == [
        "cnn-dist-exponential.synthetic-codes",
        NAME,
    ]
    assert [source.folder for source in sources_of([str(folder)])] == [folder]
    assert len(sources_of([])) == len(list(PRETRAINED.glob("*/config.json")))
    for pattern in ("*.nothing", "cnn-????-relu.nothing", "[x-z]*"):
        with pytest.raises(ModelError) as error:
            sources_of([pattern])
        assert str(error.value) == f"no model matches {pattern!r}. `motifzoo models` lists them."
    assert run("*.nothing") == (1, "Error: no packaged model matches '*.nothing'. `motifzoo models` lists them.\n")
    assert run("./none") == (1, "Error: model folder ./none does not exist.\n")
