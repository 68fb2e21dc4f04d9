"""One trial on its way through stacks: where it stands, its tensors between stacks, and its checkpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..data_cards.content import SequenceDataset
from . import checkpoint
from .device import describe_device
from .layers import Activation, Layer
from .recipe import Recipe
from .schedule import Epoch
from .stacked_epoch import Outcome, Precision, Replica
from .stacked_layers import check_stackable
from .stacked_state import Tensors, fresh_tensors
from .training import Trained, check_same_run, starting_network, starting_state, weight_decays

if TYPE_CHECKING:
    from .stacked import StackProgress


class Run:
    """One trial of a recipe. Raises ModelError when the recipe has layers that cannot be stacked.

    key: equal for runs that can be in one stack. state: as in the checkpoint. tensors: as the checkpoint's, current
    when the run is in no stack.
    """

    def __init__(
        self,
        recipe: Recipe,
        trial: int,
        dataset: SequenceDataset,
        device: torch.device,
        folder: Path,
        precision: Precision = "float32",
    ) -> None:
        self.recipe = recipe
        self.trial = trial
        self._dataset = dataset
        self._path = folder / f"{recipe.name}.trial-{trial}.safetensors"
        layers = recipe.layers()
        for layer in layers:
            check_stackable(layer)
        settings = recipe.training
        adam = settings.beta1, settings.beta2, settings.eps
        data = settings.batch_size, settings.reverse_complements, settings.shuffled_labels
        self.key = (tuple(map(_plain, layers)), data, adam)
        described = describe_device(device, threads=1)
        self._start = starting_state(recipe, trial, dataset, described, stacked=True, precision=precision)
        self.state = self._start.model_copy(deep=True)
        self.tensors: Tensors = {}

    @property
    def name(self) -> str:
        """Model and trial."""
        return f"{self.recipe.name}:{self.trial}"

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.to_go == 0

    @property
    def to_go(self) -> int:
        """Epochs left, at most."""
        return self.state.epochs_left(self.recipe.training.epochs)

    def check(self) -> None:
        """Read where an earlier call left off. Raises ModelError when the checkpoint is of another run."""
        if self._path.exists():
            found = checkpoint.read_state(self._path)
            check_same_run(self._path, found, self._start, self.recipe.training.epochs)
            self.state = found

    def load(self) -> None:
        """Make ready to join a stack: from the checkpoint, or from the start without one."""
        self._network = starting_network(self.recipe, self.trial, self._dataset)
        if self._path.exists():
            self.state, self.tensors = checkpoint.load(self._path, self._network)
        else:
            self.state, self.tensors = self._start.model_copy(deep=True), fresh_tensors(self._network)

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.write(self._path, self.state, self.tensors)

    def replica(self) -> Replica:
        """What a stack is built from."""
        decays = weight_decays(self._network, self.recipe.training)
        return Replica(self._network, self.tensors, decays, self.trial)

    def record(self, outcome: Outcome, seconds: float) -> None:
        """Account for an epoch that took `seconds` of this run's share of the time."""
        rate = self.state.schedule.learning_rate
        self.state.schedule.update(outcome.score, self.recipe.training)
        self.state.history.append(Epoch(loss=outcome.loss, score=outcome.score, learning_rate=rate))
        self.state.seconds += seconds
        self.state.stacked = self.state.stacked or None

    def reporter(self, progress: "StackProgress") -> Callable[[], None]:
        """A call that reports the last epoch, whatever has happened by the time it is made."""
        number, record, seconds = len(self.state.history) - 1, self.state.history[-1], self.state.seconds
        return lambda: progress.epoch(self.recipe, self.trial, number, record, seconds)

    def result(self) -> Trained:
        """The finished trial; the run lets go of its tensors."""
        weights = {name[6:]: value for name, value in self.tensors.items() if name.startswith("model.")}
        self._network.load_state_dict(weights)
        self.tensors = {}
        return Trained(self._network.eval(), self.state)


def _plain(layer: Layer) -> Layer:
    """The layer without its activation, in which replicas of a stack may differ."""
    return layer.model_copy(update={"function": "relu"}) if isinstance(layer, Activation) else layer
