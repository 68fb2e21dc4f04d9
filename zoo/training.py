"""Training one trial of a recipe: the protocol's section 3, resumable and repeatable.

All randomness comes from streams keyed by (seed, purpose, epoch), so a run that was killed and resumed from its last
epoch's checkpoint ends in the same weights as one that never stopped.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..data_cards.content import SequenceDataset
from ..errors import DataError, ModelError, MotifzooError
from ..metrics import aupr, auroc
from . import checkpoint
from .batches import DROPOUT, INITIAL, ORDER, VALIDATION_BATCH, Batches, in_batches, stream
from .builder import Network, ResidualBlock, build, initialise
from .checkpoint import Precision, RunState
from .controls import training_split
from .device import describe_device, float32_arithmetic, is_out_of_memory
from .recipe import Recipe, Training
from .schedule import Epoch, Schedule
from .shapes import plan


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

    @property
    def usable(self) -> bool:
        """Whether it predicts numbers, and every weight and running average is one.

        The losses can be finite where those overflowed: in training, a batch is normalised by itself.
        """
        score = self.state.history[-1].score  # NaN where a prediction is not finite
        whole = all(value.isfinite().all() for value in self.network.state_dict().values())
        return whole and math.isfinite(score) and not self.state.diverged


def weight_decays(network: Network, settings: Training) -> dict[str, float]:
    """Weight decay of each parameter, by name: the gradient of l2 * w^2 is 2 * l2 * w, which is what Adam adds.

    On every conv and dense kernel but the head's; `layer1_l2`, where given, on the first conv's.
    """
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
    return {name: 2.0 * decay.get(id(parameter), 0.0) for name, parameter in network.named_parameters()}


def _optimizer(network: Network, settings: Training) -> torch.optim.Adam:
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter, decay in zip(network.parameters(), weight_decays(network, settings).values(), strict=True):
        groups.setdefault(decay, []).append(parameter)
    return torch.optim.Adam(
        [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
    )


def validation_score(network: Network, batches: Batches, monitor: str) -> float:
    """One network's `pooled_scores` on a split."""
    network.eval()
    with torch.inference_mode():
        numbers = torch.arange(len(batches), device=batches.rows_on)
        logits = torch.cat([network(batches.onehot(rows)) for rows in numbers.split(VALIDATION_BATCH)])
    predictions = logits.cpu().numpy().reshape(1, -1)
    return pooled_scores(batches.labels.cpu().numpy().ravel(), predictions, monitor)[0]


def pooled_scores(labels: npt.NDArray[Any], logits: npt.NDArray[Any], monitor: str) -> list[float]:
    """AUROC or AUPR of R networks' predictions, all labels pooled; NaN for a network unless all of its are finite.

    labels: `(n,)`; logits: `(R, n)`. An infinite prediction has a place among the others, and so an area, but the
    network has broken down.
    """
    area = auroc if monitor == "auroc" else aupr
    # float64 is made here, on the host: not every device has it.
    areas = area(np.broadcast_to(labels, logits.shape), logits.astype(np.float64))
    scores: list[float] = np.where(np.isfinite(logits).all(axis=1), areas, np.nan).tolist()
    return scores


def _train_epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    batches: Batches,
    order: Tensor,
    epoch: int,
    batch_size: int,
    progress: Progress | None,
) -> float:
    network.train()
    total = torch.zeros((), device=batches.labels.device)
    chunks = in_batches(order.to(batches.rows_on), batch_size)
    for number, rows in enumerate(chunks):
        optimizer.zero_grad(set_to_none=True)
        loss = binary_cross_entropy_with_logits(network(batches.onehot(rows)), batches.targets(rows))
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
        if progress is not None and (number + 1) % 10 == 0:
            progress.step(epoch, number + 1, len(chunks), float(total) / min((number + 1) * batch_size, len(order)))
    return float(total) / len(order)


def check_trainable(recipe: Recipe, dataset: SequenceDataset) -> None:
    """Raise ModelError for another data set than the recipe's or a network that does not fit its sequences, DataError
    for a data set or batch size that cannot be trained with."""
    if recipe.dataset != dataset.card.name:
        raise ModelError(f"recipe {recipe.name!r} is for another data set than {dataset.card.name!r}.")
    try:
        plan(recipe.layers(), dataset.card.length)
    except ModelError as error:
        raise ModelError(f"{recipe.name} cannot be built: {error}") from error
    if len(dataset.train) == 0 or len(dataset.valid) == 0:
        raise DataError(f"data set {dataset.card.name!r} needs training and validation sequences.")
    if recipe.training.batch_size == 1 or len(dataset.train) == 1:
        raise DataError(
            f"{len(dataset.train)} training sequences in batches of {recipe.training.batch_size}: batch normalisation "
            "needs at least two sequences at once. Choose a larger batch_size in the recipe."
        )


def starting_network(recipe: Recipe, trial: int, dataset: SequenceDataset) -> Network:
    """The trial's network before training, on the CPU whatever PyTorch's default device is."""
    with torch.device("cpu"):
        network = build(recipe.layers(), dataset.card.length)
    initialise(network, torch.Generator().manual_seed(stream(trial, INITIAL)))
    return network


def starting_state(
    recipe: Recipe,
    trial: int,
    dataset: SequenceDataset,
    device: str,
    *,
    stacked: bool = False,
    precision: Precision = "float32",
) -> RunState:
    """The trial's state before training on a device, as `describe_device` has it, alone or in a stack."""
    return RunState(
        recipe=recipe.digest,
        seed=trial,
        data=dataset.fingerprint,
        device=device,
        schedule=Schedule(learning_rate=recipe.training.learning_rate),
        stacked=stacked,
        torch=str(torch.__version__),
        precision=precision,
    )


def batches_of(dataset: SequenceDataset, settings: Training, device: torch.device) -> tuple[Batches, Batches]:
    """What the settings make of a data set's training split, and its validation split.

    Raises MotifzooError when they do not fit in the device's memory.
    """
    training, validation = training_split(dataset.train, settings), dataset.valid
    try:
        return Batches(training, device, reverse_complements=settings.reverse_complements), Batches(validation, device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        size = sum(math.prod(split.codes.shape) + 4 * split.labels.size for split in (training, validation))
        elsewhere = "a machine with more memory" if device.type == "cpu" else "the CPU"
        raise MotifzooError(
            f"data set {dataset.card.name!r} does not fit in the free memory of {device}: its sequences and labels "
            f"take {size / 1e6:,.0f} MB, whatever the batch_size. Wait until other programs there have ended, or train "
            f"on {elsewhere}."
        ) from error


@contextmanager
def dropout_generator(device: torch.device) -> Iterator[torch.Generator]:
    """The generator that `nn.Dropout` draws from on a device; its state is the caller's again afterwards.

    `torch.manual_seed` would seed those of all other devices too.
    """
    if device.type == "cuda":
        torch.cuda.init()
        generator = torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    elif device.type == "mps":
        generator = torch.mps._get_default_mps_generator()
    else:
        generator = torch.default_generator
    before = generator.get_state()
    try:
        yield generator
    finally:
        generator.set_state(before)


@float32_arithmetic()
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
    reads the weights. One that diverges ends with that epoch (`state.diverged`). Raises ModelError for a recipe of
    another data set or a checkpoint of another run (`check_same_run`), CacheError when it cannot be written,
    MotifzooError when the device's memory is too small.
    """
    try:
        return _train(recipe, trial, dataset, device, checkpoint_path, progress)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise too_large(f"{recipe.name}:{trial}", device) from error


def _train(
    recipe: Recipe,
    trial: int,
    dataset: SequenceDataset,
    device: torch.device,
    checkpoint_path: Path,
    progress: Progress | None,
) -> Trained:
    settings = recipe.training
    check_trainable(recipe, dataset)
    state = starting_state(recipe, trial, dataset, describe_device(device))
    if checkpoint_path.exists():
        check_same_run(checkpoint_path, checkpoint.read_state(checkpoint_path), state, settings.epochs)
    # Before the network: what a full device refuses first is what the error names.
    training, validation = batches_of(dataset, settings, device)
    network = starting_network(recipe, trial, dataset).to(device)
    optimizer = _optimizer(network, settings)
    if checkpoint_path.exists():
        state = checkpoint.restore(checkpoint_path, network, optimizer)
    order = torch.Generator()
    with dropout_generator(device) as dropout:
        while state.epochs_left(settings.epochs):
            epoch = len(state.history)
            started = time.perf_counter()
            dropout.manual_seed(stream(trial, DROPOUT, epoch))
            order.manual_seed(stream(trial, ORDER, epoch))
            rows = torch.randperm(len(training), generator=order, device="cpu")
            rate = state.schedule.learning_rate
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _train_epoch(network, optimizer, training, rows, epoch, settings.batch_size, progress)
            score = validation_score(network, validation, dataset.card.monitor)
            state.schedule.update(score, settings)
            state.history.append(Epoch(loss=loss, score=score, learning_rate=rate))
            state.seconds += time.perf_counter() - started
            state.stacked = False if state.stacked is False else None
            checkpoint.save(checkpoint_path, state, network, optimizer)
            if progress is not None:
                progress.epoch(epoch, state.history[-1], state.seconds)
    network.zero_grad(set_to_none=True)
    return Trained(network.eval().cpu(), state)


def too_large(name: str, device: torch.device, *, beside: bool = False) -> MotifzooError:
    """The error for a trial that does not fit in a device's memory; `beside` others that train meanwhile."""
    if device.type != "cpu":
        return MotifzooError(
            f"{name} alone does not fit in the memory of {device}. Choose a smaller batch_size in the recipe, or train "
            "on the CPU."
        )
    if beside:
        return MotifzooError(
            f"{name} does not fit in this machine's free memory beside what else is trained. Choose fewer --threads, "
            "each of which trains a stack, or a smaller batch_size in the recipe."
        )
    return MotifzooError(
        f"{name} does not fit in this machine's free memory. Choose a smaller batch_size in the recipe, or wait until "
        "other programs have ended."
    )


def check_same_run(path: Path, found: RunState, wanted: RunState, epochs: int) -> None:
    """Raise ModelError unless the checkpoint at `path` is of this recipe, trial, data, precision, device and PyTorch.

    One that is older than the record of PyTorch's version goes on with any. Of a run that has ended, after `epochs` at
    the latest, nothing is computed any more, so it may be had on any device and with any version.
    """
    for field, what, digits in (
        ("recipe", "another recipe", 12),  # of a digest, as many as cards show
        ("seed", "another trial", None),
        ("data", "other data", 12),
        ("precision", "another precision", None),
        ("device", "another device", None),
        ("torch", "another version of PyTorch", None),  # whose kernels may round otherwise
    ):
        if field in ("device", "torch") and not found.epochs_left(epochs):
            continue
        was, now = (str(getattr(state, field)) for state in (found, wanted))
        if was != now and not (field == "torch" and found.torch is None):
            raise ModelError(
                f"checkpoint {path} was made with {what} ({was[:digits]}, now {now[:digits]}). Train into another "
                "folder, or delete it to start over."
            )
