"""Write a data set in the layout of the paper's authors: one HDF5 file."""

from pathlib import Path

import h5py
import numpy as np

from ..files import atomic_path
from .cards import SPLITS
from .content import SequenceDataset

_CHUNK = 1000  # sequences converted at a time: 3 MB of one-hot at 200 nt


def export_h5(dataset: SequenceDataset, path: Path) -> None:
    """Write `X_<split>` (N, 4, L) one-hot, `Y_<split>` (N, C) labels and `model_<split>` (N, 4, L) ground truth.

    Splits are train, valid and test; all float32, gzip-compressed, channels A, C, G, T. Written atomically;
    raises CacheError when the folder refuses.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["name"] = dataset.card.name
        file.attrs["version"] = dataset.card.version
        file.attrs["fingerprint"] = dataset.fingerprint
        for name in SPLITS:
            split = dataset.split(name)
            shape = (len(split), 4, split.codes.shape[1])
            chunks = (min(_CHUNK, len(split)), *shape[1:])
            sequences = file.create_dataset(f"X_{name}", shape, "f4", chunks=chunks, compression="gzip")
            model = file.create_dataset(f"model_{name}", shape, "f4", chunks=chunks, compression="gzip")
            file.create_dataset(f"Y_{name}", data=split.labels.astype(np.float32))
            for begin in range(0, len(split), _CHUNK):
                rows = slice(begin, min(begin + _CHUNK, len(split)))
                sequences[rows] = split.onehot(rows)
                model[rows] = split.truth(rows)
