"""One epoch of a stack: every replica takes its own batches in its own order, and all step together."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from .arrangements import Arrangement
from .batches import DROPOUT, ORDER, VALIDATION_BATCH, Batches, in_batches, stream
from .builder import Network
from .checkpoint import Precision as Precision
from .device import faster_products
from .dropout import Draws
from .recipe import Training
from .stacked_layers import StackedLayers, State
from .stacked_state import StackState, Tensors
from .training import pooled_scores

_AT_ONCE: Final = 1 << 20  # predictions that a thread makes scores of, at some 80 bytes each


class Replica(NamedTuple):
    """One replica as it joins a stack.

    network: for its layer specs and names; its weights are not read. tensors: as in a checkpoint. decay: weight decay
    by parameter. seed: what its random streams are keyed by, beside the epoch.
    """

    network: Network
    tensors: Tensors
    decay: Mapping[str, float]
    seed: int


class Turn(NamedTuple):
    """What a replica does in the next epoch: its number (from 0) and its learning rate."""

    epoch: int
    rate: float


class Outcome(NamedTuple):
    """What an epoch came to for one replica: mean training loss and validation score."""

    loss: float
    score: float


class Data(NamedTuple):
    """Training and validation batches on the device, and the validation score's name, auroc or aupr."""

    training: Batches
    validation: Batches
    monitor: str


class Stack:
    """Replicas of one architecture on a device.

    replicas: with equal activations beside each other. settings: what all replicas share, namely batch size and
    Adam's constants. precision: of all layers behind the first activation; layers up to it are float32 always.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        data: Data,
        settings: Training,
        arrangement: Arrangement,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        network = replicas[0].network
        self._specs = [one.network.specs for one in replicas]
        self._arrangement, self._filter_layer = arrangement, network.filter_layer
        self._layers = StackedLayers(self._specs, arrangement, network.filter_layer)
        self.state = StackState(
            network, [one.tensors for one in replicas], [one.decay for one in replicas], settings, device
        )
        self._seeds = [one.seed for one in replicas]
        self._data = data
        self._batch_size = settings.batch_size
        self._device = device
        self._precision: Precision = precision

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with the replicas in these rows only, in their order."""
        self.state.keep(rows)
        self._seeds = [self._seeds[row] for row in rows]
        self._specs = [self._specs[row] for row in rows]
        self._layers = StackedLayers(self._specs, self._arrangement, self._filter_layer)

    def epoch(self, turns: Sequence[Turn], step: Callable[[int, int], None]) -> list[Outcome]:
        """Train every replica for one epoch and validate; `step(done, total)` is called after each batch."""
        data = self._data.training
        orders, generators, shuffler = [], [], torch.Generator()
        for seed, turn in zip(self._seeds, turns, strict=True):
            shuffler.manual_seed(stream(seed, ORDER, turn.epoch))
            orders.append(torch.randperm(len(data), generator=shuffler, device="cpu"))
            generators.append(torch.Generator(self._device).manual_seed(stream(seed, DROPOUT, turn.epoch)))
        draws = Draws(generators)
        rates = torch.tensor([[turn.rate] for turn in turns], dtype=torch.float64, device=self._device)
        total = torch.zeros(len(turns), device=self._device)
        chunks = in_batches(torch.stack(orders).to(data.rows_on), self._batch_size)
        for number, rows in enumerate(chunks):
            onehot = data.onehot(rows.flatten()).unflatten(0, rows.shape)
            loss = self.backward(onehot, data.targets(rows), draws)
            self.state.step(rates)
            total += loss * rows.shape[1]
            step(number + 1, len(chunks))
        losses = (total / len(data)).tolist()
        return [Outcome(loss, score) for loss, score in zip(losses, self.scores(), strict=True)]

    def backward(self, onehot: Tensor, targets: Tensor, draws: Draws) -> Tensor:
        """Each replica's loss `(R,)` on its batch, `(R, N, 4, L)` and `(R, N, C)`; gradients go to `state.weights`."""
        state = State(self.state.parameters(), self.state.averages, True, draws)
        maps = self._layers.first(onehot, state)
        # Cut in two, so that the first layer's gradient is float32 arithmetic too.
        cut = maps.detach().requires_grad_()
        with self._faster():
            losses = self._losses(self._layers.rest(self._lowered(cut), state).to(maps.dtype), targets)
            (to_maps, to_weights) = torch.autograd.grad(losses.sum(), (cut, self.state.weights))
        maps.backward(to_maps)
        assert self.state.weights.grad is not None
        self.state.weights.grad += to_weights
        return losses.detach()

    def scores(self) -> list[float]:
        """Each replica's `pooled_scores` on the validation split."""
        data = self._data.validation
        replicas = len(self.state)
        parts = []
        with torch.inference_mode():
            state = State(self.state.parameters(), self.state.averages, False)
            numbers = torch.arange(len(data), device=data.rows_on)
            for rows in numbers.split(max(self._batch_size, VALIDATION_BATCH // replicas)):
                onehot = data.onehot(rows)
                maps = self._layers.first(onehot.expand(replicas, *onehot.shape), state)
                with self._faster():
                    parts.append(self._layers.rest(self._lowered(maps), state))
        logits = torch.cat(parts, dim=1).float().cpu().numpy().reshape(replicas, -1)
        labels = data.labels.cpu().numpy().ravel()
        threads = min(replicas, torch.get_num_threads())
        few = max(1, min(_AT_ONCE // logits.shape[1], math.ceil(replicas / threads)))
        with ThreadPoolExecutor(threads) as pool:  # a GPU waits for this
            found = pool.map(
                lambda first: pooled_scores(labels, logits[first : first + few], self._data.monitor),
                range(0, replicas, few),
            )
            return [score for scores in found for score in scores]

    @staticmethod
    def _losses(logits: Tensor, targets: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none").mean(dim=(1, 2))

    def _lowered(self, maps: Tensor) -> Tensor:
        return maps.bfloat16() if self._precision == "bfloat16" else maps

    def _faster(self) -> AbstractContextManager[None]:
        """TF32 where it was asked for."""
        return faster_products() if self._precision == "tf32" else nullcontext()
