"""What a stack of replicas knows: weights, running averages and Adam's moments, a row a replica, and one step of Adam.

A row leaves the stack, and enters it, as the tensors of one network's checkpoint.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .builder import Network
from .recipe import Training

_MOMENTS = ("exp_avg", "exp_avg_sq")
Tensors = Mapping[str, Tensor]  # of one network, named as in its checkpoint


def fresh_tensors(network: Network) -> dict[str, Tensor]:
    """The checkpoint of a network that was not trained yet."""
    tensors = {f"model.{name}": value.detach() for name, value in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        tensors |= {f"adam.{name}.{moment}": torch.zeros_like(parameter) for moment in _MOMENTS}
        tensors[f"adam.{name}.step"] = torch.zeros((), device="cpu")
    return tensors


class StackState:
    """Rows of R replicas on a device.

    network: one of the architecture, for names and shapes. replicas: each replica's checkpoint tensors. decays: weight
    decay of each parameter by name, for each replica. settings: `beta1`, `beta2` and `eps` are read.
    """

    def __init__(
        self,
        network: Network,
        replicas: Sequence[Tensors],
        decays: Sequence[Mapping[str, float]],
        settings: Training,
        device: torch.device,
    ) -> None:
        self._shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        self._sizes = [math.prod(shape) for shape in self._shapes.values()]
        self._counters = [name for name, value in network.named_buffers() if not value.is_floating_point()]
        self._settings = settings

        def packed(prefix: str, suffix: str = "") -> Tensor:
            rows = [torch.cat([row[f"{prefix}.{name}{suffix}"].flatten() for name in self._shapes]) for row in replicas]
            return torch.stack(rows).to(device)

        self.weights = packed("model").requires_grad_()
        self._first, self._second = packed("adam", ".exp_avg"), packed("adam", ".exp_avg_sq")
        self.averages = {
            name: torch.stack([row[f"model.{name}"] for row in replicas]).to(device)
            for name, value in network.named_buffers()
            if value.is_floating_point()
        }
        step = f"adam.{next(iter(self._shapes))}.step"
        self._steps = torch.stack([row[step] for row in replicas]).double().to(device)[:, None]
        # A number a parameter, then one a weight.
        with torch.device("cpu"):  # not on a default device of the caller's
            rows = torch.tensor([[decay[name] for name in self._shapes] for decay in decays], dtype=self.weights.dtype)
            self._decay = rows.repeat_interleave(torch.tensor(self._sizes), dim=1).to(device)

    def __len__(self) -> int:
        return len(self.weights)

    def parameters(self) -> dict[str, Tensor]:
        """The parameters, `(R, ...)` each, as parts of `weights`, through which gradients flow."""
        parts = self.weights.split(self._sizes, dim=1)
        return {
            name: part.view(len(self), *shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    @torch.no_grad()
    def step(self, rates: Tensor) -> None:
        """One step of Adam by `weights.grad`, which is used up; rates: each replica's learning rate, `(R, 1)` float64.

        Kingma & Ba 2015, algorithm 1, with the L2 penalty in the gradient, as `torch.optim.Adam` has it.
        """
        assert self.weights.grad is not None
        beta1, beta2 = self._settings.beta1, self._settings.beta2
        gradient = self.weights.grad.addcmul_(self.weights, self._decay)
        self._steps += 1
        self._first.lerp_(gradient, 1 - beta1)
        self._second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        rate = (rates / (1 - beta1**self._steps)).to(self.weights.dtype)
        correction = (1 - beta2**self._steps).sqrt().to(self.weights.dtype)
        size = self._second.sqrt().div_(correction).add_(self._settings.eps)
        self.weights.addcmul_(self._first / size, -rate)
        self.weights.grad = None

    def keep(self, rows: Sequence[int]) -> None:
        """Let go of all other rows, without leaving the device."""
        kept = torch.tensor(rows, dtype=torch.int64, device=self.weights.device)
        self.weights = self.weights.detach()[kept].requires_grad_()
        self._first, self._second = self._first[kept], self._second[kept]
        self.averages = {name: value[kept] for name, value in self.averages.items()}
        self._steps, self._decay = self._steps[kept], self._decay[kept]

    def replicas(self, rows: Sequence[int] | None = None) -> list[dict[str, Tensor]]:
        """Checkpoint tensors of these rows, by default of all: on the CPU, sharing nothing with the stack."""
        chosen = range(len(self)) if rows is None else rows
        wanted = torch.tensor(chosen, dtype=torch.int64, device=self.weights.device)
        weights, first, second = self.weights.detach(), self._first, self._second
        moments = (weights[wanted].cpu(), first[wanted].cpu(), second[wanted].cpu())
        averages = {name: value[wanted].cpu() for name, value in self.averages.items()}
        steps = self._steps[wanted, 0].cpu()
        found: list[dict[str, Tensor]] = []
        for number, step in enumerate(steps):
            tensors = {f"model.{name}": value[number].clone() for name, value in averages.items()}
            # Batch normalisation counts the batches it has seen, which are Adam's steps.
            tensors |= {f"model.{name}": step.long() for name in self._counters}
            parts = zip(*(moment[number].split(self._sizes) for moment in moments), strict=True)
            for (name, shape), (weight, *pair) in zip(self._shapes.items(), parts, strict=True):
                tensors[f"model.{name}"] = weight.reshape(shape).clone()
                tensors[f"adam.{name}.step"] = step.float()
                for moment, value in zip(_MOMENTS, pair, strict=True):
                    tensors[f"adam.{name}.{moment}"] = value.reshape(shape).clone()
            found.append(tensors)
        return found
