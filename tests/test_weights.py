"""The safetensors loader: what it accepts equals what safetensors wrote; everything else is one clear error."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from motifzoo.errors import ModelError
from motifzoo.zoo.weights import TensorSpec, check_weights, content_hash, read_weights, write_weights

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 4, 3),
    "norm.num_batches_tracked": np.array(7, dtype=np.int64),
    "norm.running_var": np.ones(2, dtype=np.float32),
}
SPECS = {
    "conv1.weight": TensorSpec("F32", (2, 4, 3)),
    "norm.num_batches_tracked": TensorSpec("I64", ()),
    "norm.running_var": TensorSpec("F32", (2,)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A valid file of `ARRAYS`."""
    file = tmp_path / "model.safetensors"
    write_weights(ARRAYS, file)
    return file


def header_of(data: bytes) -> dict[str, dict[str, object]]:
    length = int.from_bytes(data[:8], "little")
    header: dict[str, dict[str, object]] = json.loads(data[8 : 8 + length])
    return header


def with_header(data: bytes, change: Callable[[dict[str, dict[str, object]]], None]) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = header_of(data)
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def fails(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelError) as error:
        read_weights(path)
    return str(error.value)


tensors = st.dictionaries(
    st.text("abc.", min_size=1, max_size=8),
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    min_size=1,
    max_size=5,
)


@given(arrays=tensors)
def test_reads_what_it_wrote_and_what_safetensors_wrote(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, np.ndarray]
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    digest = write_weights(arrays, folder / "ours.safetensors")
    save_file(arrays, folder / "theirs.safetensors")
    for name in ("ours", "theirs"):
        read = read_weights(folder / f"{name}.safetensors")
        assert read.keys() == arrays.keys()
        for key, array in arrays.items():
            assert read[key].shape == array.shape
            np.testing.assert_array_equal(read[key], array)
        assert content_hash(read) == digest
    assert load_file(folder / "ours.safetensors").keys() == arrays.keys()


def test_the_hash_depends_on_name_shape_dtype_and_bytes_and_not_on_order() -> None:
    base = content_hash(ARRAYS)
    assert content_hash(dict(reversed(ARRAYS.items()))) == base
    changed = [
        {**ARRAYS, "extra": np.zeros(1, np.float32)},
        {("renamed" if key == "conv1.weight" else key): value for key, value in ARRAYS.items()},
        {**ARRAYS, "conv1.weight": ARRAYS["conv1.weight"].reshape(4, 2, 3)},
        {**ARRAYS, "conv1.weight": ARRAYS["conv1.weight"] + np.float32(1e-6)},
        {**ARRAYS, "norm.num_batches_tracked": np.array(8, dtype=np.int64)},
    ]
    assert len({base, *(content_hash(arrays) for arrays in changed)}) == len(changed) + 1


def test_the_file_is_reproducible_byte_for_byte(tmp_path: Path) -> None:
    write_weights(ARRAYS, tmp_path / "a")
    write_weights(dict(reversed(ARRAYS.items())), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_truncation_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for size in range(len(data)):
        assert "cut short" in fails(path, data[:size])


def test_truncated_messages(path: Path) -> None:
    data = path.read_bytes()
    assert fails(path, data[:5]) == f"{path} is cut short: 5 bytes are no safetensors file."
    length = int.from_bytes(data[:8], "little")
    assert fails(path, data[:20]) == f"{path} is cut short: its header needs {length} bytes and 12 follow."
    message = fails(path, data[:-1])
    assert message.startswith(f"{path} is cut short: tensor ")
    assert message.endswith(f" ends at byte {len(data)} and the file at {len(data) - 1}.")


def test_huge_header_is_not_read(path: Path) -> None:
    data = (2**62).to_bytes(8, "little") + path.read_bytes()[8:]
    assert fails(path, data) == (
        f"{path} is not a usable safetensors file: its header claims 4,611,686,018,427,387,904 bytes; "
        "the limit is 1,000,000."
    )


def test_bytes_after_the_last_tensor(path: Path) -> None:
    assert fails(path, path.read_bytes() + b"abc") == f"{path} is damaged: 3 bytes follow the last tensor."


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_named_and_not_run(path: Path, protocol: int) -> None:
    message = f"{path} is a pickle, not a safetensors file. Pickles can run code; nothing was loaded."
    assert fails(path, pickle.dumps({"a": 1}, protocol=protocol)) == message


def test_a_torch_file_is_named_and_not_run(path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    assert fails(path, path.read_bytes()) == (
        f"{path} is a pickle, not a safetensors file. Pickles can run code; nothing was loaded."
    )


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"[1]", "not an object"),
        (b'{"a": 1}', "'int' object is not iterable"),
        (
            b'{"a": {"dtype": "F32", "shape": [0, 549755813888, 549755813888], "data_offsets": [0, 0]}}',
            "a shape is larger than any file",
        ),
        (b'{"a": {"dtype": "F32", "shape": [1]}}', "a tensor needs dtype, shape and data_offsets and nothing else"),
        (b'{"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}', "dtype 'F64' is not F32 or I64"),
        (
            b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
            "shape and data_offsets must be whole numbers, data_offsets two of them",
        ),
        (
            b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}',
            "a shape has more than 8 dimensions or a tensor ends before it begins",
        ),
        (
            b'{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}',
            "shape and data_offsets must be whole numbers, data_offsets two of them",
        ),
        (
            b'{"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}, "a": {}}',
            "a key is given twice",
        ),
    ],
)
def test_malformed_headers(path: Path, header: bytes, reason: str) -> None:
    data = len(header).to_bytes(8, "little") + header
    assert fails(path, data) == f"{path} has a malformed safetensors header: {reason}."


def test_deeply_nested_header(path: Path) -> None:
    header = b"[" * 100_000
    assert "malformed safetensors header" in fails(path, len(header).to_bytes(8, "little") + header)


def test_overlapping_and_gapped_tensors(path: Path) -> None:
    def overlap(header: dict[str, dict[str, object]]) -> None:
        for name in ("norm.running_var", "conv1.weight"):
            header[name] |= {"shape": [2], "data_offsets": [8, 16]}

    assert "is damaged: tensor" in fails(path, with_header(path.read_bytes(), overlap))


def test_offsets_that_disagree_with_the_shape(path: Path) -> None:
    def shrink(header: dict[str, dict[str, object]]) -> None:
        header["conv1.weight"]["shape"] = [2, 4, 2]

    assert fails(path, with_header(path.read_bytes(), shrink)) == (
        f"{path} is damaged: tensor 'conv1.weight' needs 64 bytes and has 96."
    )


def test_absurd_shapes_allocate_nothing(path: Path) -> None:
    def grow(header: dict[str, dict[str, object]]) -> None:
        header["conv1.weight"]["shape"] = [2**39, 2**39]

    assert "needs" in fails(path, with_header(path.read_bytes(), grow))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(path: Path, value: float) -> None:
    bad = ARRAYS["conv1.weight"].copy()
    bad[0, 1, 2] = value
    write_weights({**ARRAYS, "conv1.weight": bad}, path)
    with pytest.raises(ModelError) as error:
        read_weights(path)
    assert str(error.value) == f"tensor 'conv1.weight' in {path} holds 1 values that are NaN or infinite."


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        read_weights(tmp_path / "none.safetensors")
    assert str(error.value) == f"weights file {tmp_path / 'none.safetensors'} does not exist."


def refused(path: Path, arrays: dict[str, np.ndarray]) -> str:
    with pytest.raises(ModelError) as error:
        check_weights(path, arrays, SPECS)
    return str(error.value)


def test_weights_must_be_exactly_what_the_config_makes() -> None:
    path = Path("model.safetensors")
    check_weights(path, ARRAYS, SPECS)
    without = {key: value for key, value in ARRAYS.items() if key != "conv1.weight"}
    assert refused(path, without) == "model.safetensors does not fit config.json: it lacks 'conv1.weight'."
    assert refused(path, {**ARRAYS, "more": ARRAYS["conv1.weight"]}) == (
        "model.safetensors does not fit config.json: it has 'more', which the config's layers do not."
    )
    assert refused(path, {**without, "conv_1.weight": ARRAYS["conv1.weight"]}) == (
        "model.safetensors does not fit config.json: it lacks 'conv1.weight' and has 'conv_1.weight', which the "
        "config's layers do not."
    )
    assert refused(path, {**ARRAYS, "conv1.weight": ARRAYS["conv1.weight"].reshape(2, 3, 4)}) == (
        "tensor 'conv1.weight' in model.safetensors is F32 [2, 3, 4] and config.json makes it F32 [2, 4, 3]."
    )
    assert refused(path, {**ARRAYS, "conv1.weight": np.zeros((2, 4, 3), np.int64)}) == (
        "tensor 'conv1.weight' in model.safetensors is I64 [2, 4, 3] and config.json makes it F32 [2, 4, 3]."
    )
    assert refused(path, {**ARRAYS, "norm.running_var": np.array([1, -1], np.float32)}) == (
        "tensor 'norm.running_var' in model.safetensors holds a negative variance."
    )
