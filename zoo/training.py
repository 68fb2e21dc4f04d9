"""Training one trial of a recipe: the protocol's section 3, resumable and repeatable.

All randomness comes from streams keyed by (seed, purpose, epoch), so a run that was killed and resumed from its last
epoch's checkpoint ends in the same weights as one that never stopped.
"""

import time
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..data_cards.content import SequenceDataset
from ..errors import DataError, ModelError, MotifzooError
from ..metrics import aupr, auroc
from . import checkpoint
from .batches import DROPOUT, INITIAL, ORDER, VALIDATION_BATCH, Batches, in_batches, stream
from .builder import Network, ResidualBlock, build, initialise
from .checkpoint import RunState
from .controls import training_split
from .device import describe_device
from .recipe import Recipe, Training
from .schedule import Epoch, Schedule


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
    """AUROC or AUPR on a split, all labels pooled; NaN where the predictions are not finite."""
    network.eval()
    with torch.inference_mode():
        numbers = torch.arange(len(batches), device=batches.labels.device)
        logits = torch.empty_like(batches.labels)
        for rows in numbers.split(VALIDATION_BATCH):
            logits[rows] = network(batches.onehot(rows))
    scores = logits.double().cpu().numpy().ravel()
    labels = batches.labels.cpu().numpy().ravel()
    return float((auroc if monitor == "auroc" else aupr)(labels, scores)[0])


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
    chunks = in_batches(order, batch_size)
    for number, rows in enumerate(chunks):
        optimizer.zero_grad(set_to_none=True)
        loss = binary_cross_entropy_with_logits(network(batches.onehot(rows)), batches.targets(rows))
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
        if progress is not None and (number + 1) % 10 == 0:
            progress.step(epoch, number + 1, len(chunks), float(total) / min((number + 1) * batch_size, len(order)))
    return float(total) / len(order)


def check_trainable(settings: Training, dataset: SequenceDataset) -> None:
    """Raise DataError for a data set or batch size that cannot be trained with."""
    if len(dataset.train) == 0 or len(dataset.valid) == 0:
        raise DataError(f"data set {dataset.card.name!r} needs training and validation sequences.")
    if settings.batch_size == 1 or len(dataset.train) == 1:
        raise DataError(
            f"{len(dataset.train)} training sequences in batches of {settings.batch_size}: batch normalisation needs "
            "at least two sequences at once. Choose a larger batch_size in the recipe."
        )


def starting_network(recipe: Recipe, trial: int, dataset: SequenceDataset) -> Network:
    """The trial's network before training, on the CPU."""
    network = build(recipe.layers(), dataset.card.length)
    initialise(network, torch.Generator().manual_seed(stream(trial, INITIAL)))
    return network


def starting_state(
    recipe: Recipe, trial: int, dataset: SequenceDataset, device: str, *, stacked: bool = False
) -> RunState:
    """The trial's state before training on a device, as `describe_device` has it, alone or in a stack."""
    return RunState(
        recipe=recipe.digest,
        seed=trial,
        data=dataset.fingerprint,
        device=device,
        schedule=Schedule(learning_rate=recipe.training.learning_rate),
        stacked=stacked,
    )


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
    reads the weights. One that diverges ends with that epoch (`state.diverged`). Raises ModelError when the checkpoint
    belongs to another recipe, seed, data or device, CacheError when it cannot be written, MotifzooError when the
    device's memory is too small.
    """
    try:
        return _train(recipe, trial, dataset, device, checkpoint_path, progress)
    except torch.OutOfMemoryError as error:
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
    check_trainable(settings, dataset)
    network = starting_network(recipe, trial, dataset).to(device)
    optimizer = _optimizer(network, settings)
    state = starting_state(recipe, trial, dataset, describe_device(device))
    if checkpoint_path.exists():
        check_same_run(checkpoint_path, checkpoint.read_state(checkpoint_path), state)
        state = checkpoint.restore(checkpoint_path, network, optimizer)
    split = training_split(dataset.train, settings)
    training = Batches(split, device, reverse_complements=settings.reverse_complements)
    validation = Batches(dataset.valid, device)
    order = torch.Generator()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for epoch in range(len(state.history), settings.epochs):
            if state.schedule.stopped or state.diverged:
                break
            started = time.perf_counter()
            torch.manual_seed(stream(trial, DROPOUT, epoch))
            rows = torch.randperm(len(training), generator=order.manual_seed(stream(trial, ORDER, epoch))).to(device)
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


def too_large(name: str, device: torch.device) -> MotifzooError:
    """The error for a trial that does not fit in a device's memory."""
    return MotifzooError(
        f"{name} alone does not fit in the memory of {device}. Choose a smaller batch_size in the recipe, or train on "
        "the CPU."
    )


def check_same_run(path: Path, found: RunState, wanted: RunState) -> None:
    """Raise ModelError unless the checkpoint at `path` is of this recipe, trial, data and device."""
    for field, what, digits in (
        ("recipe", "another recipe", 12),  # of a digest, as many as cards show
        ("seed", "another trial", None),
        ("data", "other data", 12),
        ("device", "another device", None),
    ):
        was, now = (str(getattr(state, field)) for state in (found, wanted))
        if was != now:
            raise ModelError(
                f"checkpoint {path} was made with {what} ({was[:digits]}, now {now[:digits]}). Train into another "
                "folder, or delete it to start over."
            )
