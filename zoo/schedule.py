"""When to lower the learning rate and when to stop: the protocol's section 3, as plain state; what an epoch came to."""

from pydantic import BaseModel, ConfigDict

from .recipe import Training


class Epoch(BaseModel):
    """What one epoch of training came to: mean training loss (nats), validation score, learning rate it ran at."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    loss: float
    score: float
    learning_rate: float


class Schedule(BaseModel):
    """Plateau decay and early stopping on the validation score (higher is better).

    `decay_best`/`decay_wait` count epochs without an improvement by more than `decay_margin`; `best`/`wait` count
    epochs without any improvement.
    """

    # A score may be NaN and the best starts at -inf: both must survive JSON.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    learning_rate: float
    decay_best: float = float("-inf")
    decay_wait: int = 0
    best: float = float("-inf")
    wait: int = 0
    stopped: bool = False

    def update(self, score: float, settings: Training) -> None:
        """Account for one epoch's validation score; a NaN counts as no improvement."""
        if score > self.decay_best + settings.decay_margin:
            self.decay_best, self.decay_wait = score, 0
        else:
            self.decay_wait += 1
            if self.decay_wait >= settings.decay_patience:
                lowered = max(self.learning_rate * settings.decay_factor, settings.decay_floor)
                self.learning_rate = min(self.learning_rate, lowered)  # one that began below the floor stays there
                self.decay_wait = 0
        if score > self.best:
            self.best, self.wait = score, 0
        else:
            self.wait += 1
            self.stopped = self.wait >= settings.stop_patience
