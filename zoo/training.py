"""Training one trial of a recipe: the protocol's section 3, resumable and repeatable.

All randomness comes from streams keyed by (seed, purpose, epoch), so a run that was killed and resumed from its last
epoch's checkpoint ends in the same weights as one that never stopped.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..data_cards.content import SequenceDataset, Split
from ..errors import DataError, ModelError
from ..metrics import aupr, auroc
from . import checkpoint
from .builder import Network, ResidualBlock, build, initialise
from .checkpoint import Epoch, RunState
from .device import describe_device
from .recipe import Recipe, Training
from .schedule import Schedule

_INITIAL, _ORDER, _DROPOUT = range(3)  # purposes of the random streams
_VALIDATION_BATCH = 1000


class Progress(Protocol):
    """What a caller sees of a run while it goes on."""

    def step(self, epoch: int, done: int, total: int, loss: float) -> None:
        """`done` of `total` batches of `epoch` (from 0) are trained; `loss` is their mean so far."""

    def epoch(self, number: int, record: Epoch, seconds: float) -> None:
        """Epoch `number` (from 0) ended after `seconds` of training time in all."""


class Trained(NamedTuple):
    """A finished trial: the network in eval mode on the CPU, and how it came about."""

    network: Network
    state: RunState


def _stream(seed: int, purpose: int, epoch: int = 0) -> int:
    """A 63-bit seed for one purpose of one epoch of one trial."""
    return int(np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _optimizer(network: Network, settings: Training) -> torch.optim.Adam:
    """Adam with the L2 penalty as weight decay: the gradient of l2 * w^2 is 2 * l2 * w, which is what Adam adds."""
    kernels = [
        module.weight
        for child in network.children()
        for module in (child.modules() if isinstance(child, ResidualBlock) else [child])
        if isinstance(module, nn.Conv1d | nn.Linear)
    ]
    head = next(reversed(list(network.children())))
    first = next(module.weight for module in network.modules() if isinstance(module, nn.Conv1d))
    layer1_l2 = settings.l2 if settings.layer1_l2 is None else settings.layer1_l2
    decay = {id(kernel): settings.l2 for kernel in kernels} | {id(first): layer1_l2}
    if isinstance(head, nn.Linear):
        del decay[id(head.weight)]
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in network.parameters():
        groups.setdefault(2.0 * decay.get(id(parameter), 0.0), []).append(parameter)
    return torch.optim.Adam(
        [{"params": parameters, "weight_decay": weight} for weight, parameters in groups.items()],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
    )


class _Batches:
    """A split on a device: one-hot batches are made there from the codes."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.codes = torch.from_numpy(split.codes).to(device)
        self.labels = torch.from_numpy(split.labels.astype(np.float32)).to(device)
        self._letters = torch.arange(4, dtype=torch.uint8, device=device)[None, :, None]

    def __len__(self) -> int:
        return len(self.codes)

    def onehot(self, rows: Tensor | slice) -> Tensor:
        return (self.codes[rows][:, None, :] == self._letters).float()


def validation_score(network: Network, batches: _Batches, monitor: str) -> float:
    """AUROC or AUPR on a split, all labels pooled; NaN where the predictions are not finite."""
    network.eval()
    with torch.inference_mode():
        logits = [
            network(batches.onehot(slice(begin, begin + _VALIDATION_BATCH)))
            for begin in range(0, len(batches), _VALIDATION_BATCH)
        ]
    scores = torch.cat(logits).double().cpu().numpy().ravel()
    labels = batches.labels.cpu().numpy().ravel()
    return float((auroc if monitor == "auroc" else aupr)(labels, scores)[0])


def _train_epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    batches: _Batches,
    order: Tensor,
    epoch: int,
    batch_size: int,
    progress: Progress | None,
) -> float:
    network.train()
    total = torch.zeros((), device=batches.labels.device)
    chunks: Sequence[Tensor] = order.split(batch_size)
    for number, rows in enumerate(chunks):
        optimizer.zero_grad(set_to_none=True)
        loss = binary_cross_entropy_with_logits(network(batches.onehot(rows)), batches.labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
        if progress is not None and (number + 1) % 10 == 0:
            progress.step(epoch, number + 1, len(chunks), float(total) / min((number + 1) * batch_size, len(order)))
    return float(total) / len(order)


def train(
    recipe: Recipe,
    trial: int,
    dataset: SequenceDataset,
    *,
    device: torch.device,
    checkpoint_path: Path,
    progress: Progress | None = None,
) -> Trained:
    """Train one trial (its number is its seed) and return the network with its final weights.

    Resumes from `checkpoint_path` when that file exists, and writes it after every epoch; of a finished run it only
    reads the weights. Raises ModelError when the checkpoint belongs to another recipe, seed, data or device.
    """
    settings = recipe.training
    if len(dataset.train) == 0 or len(dataset.valid) == 0:
        raise DataError(f"data set {dataset.card.name!r} needs training and validation sequences.")
    if len(dataset.train) % settings.batch_size == 1 or settings.batch_size == 1:
        raise DataError(
            f"{len(dataset.train)} training sequences in batches of {settings.batch_size} leave a batch of one, which "
            "batch normalisation cannot use. Choose another batch_size in the recipe."
        )
    network = build(recipe.layers(), dataset.card.length)
    initialise(network, torch.Generator().manual_seed(_stream(trial, _INITIAL)))
    network.to(device)
    optimizer = _optimizer(network, settings)
    state = RunState(
        recipe=recipe.digest,
        seed=trial,
        data=dataset.fingerprint,
        device=describe_device(device),
        schedule=Schedule(learning_rate=settings.learning_rate),
    )
    if checkpoint_path.exists():
        _check_same_run(checkpoint_path, checkpoint.read_state(checkpoint_path), state)
        state = checkpoint.restore(checkpoint_path, network, optimizer)
    training, validation = _Batches(dataset.train, device), _Batches(dataset.valid, device)
    order = torch.Generator()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for epoch in range(len(state.history), settings.epochs):
            if state.schedule.stopped:
                break
            started = time.perf_counter()
            torch.manual_seed(_stream(trial, _DROPOUT, epoch))
            rows = torch.randperm(len(training), generator=order.manual_seed(_stream(trial, _ORDER, epoch))).to(device)
            rate = state.schedule.learning_rate
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _train_epoch(network, optimizer, training, rows, epoch, settings.batch_size, progress)
            score = validation_score(network, validation, dataset.card.monitor)
            state.schedule.update(score, settings)
            state.history.append(Epoch(loss=loss, score=score, learning_rate=rate))
            state.seconds += time.perf_counter() - started
            checkpoint.save(checkpoint_path, state, network, optimizer)
            if progress is not None:
                progress.epoch(epoch, state.history[-1], state.seconds)
    network.zero_grad(set_to_none=True)
    return Trained(network.eval().cpu(), state)


def _check_same_run(path: Path, found: RunState, wanted: RunState) -> None:
    for field, noun in (("recipe", "recipe"), ("seed", "trial"), ("data", "data"), ("device", "device")):
        if getattr(found, field) != getattr(wanted, field):
            raise ModelError(
                f"checkpoint {path} was made with another {noun} ({getattr(found, field)}, now "
                f"{getattr(wanted, field)}). Train into another folder, or delete it to start over."
            )
