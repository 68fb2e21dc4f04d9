"""Attribution by gradients of the probability: saliency and integrated gradients."""

import numpy as np
import torch
from torch import Tensor

from ..protocol import STEPS
from .job import Job, Maps
from .shuffles import shuffled

_INPUTS = 120  # at once: half a dozen paths
_ACTIVATIONS = 2**25  # numbers that they may hold together


def _gradient(job: Job, x: Tensor) -> Tensor:
    """Gradient of the probability at each input of `x`, the same shape.

    The sigmoid's slope p (1 - p) is written sigmoid(z) sigmoid(-z): in float32 1 - p is 0 from z = 17 on.
    """
    x = x.to(job.device).requires_grad_()
    logit = job.network(x)[:, job.output]
    slope = torch.sigmoid(logit.detach()) * torch.sigmoid(-logit.detach())
    (gradient,) = torch.autograd.grad(logit, x, slope)
    return gradient.cpu()


def saliency(job: Job) -> Maps:
    """Gradient of the probability with respect to the one-hot input, float32 `(n, 4, L)`.

    Not finite where the network's activations overflow. Simonyan et al. 2013, arXiv:1312.6034.
    """
    maps = np.empty(job.onehot.shape, dtype=np.float32)
    for rows in job.batches(job.inputs(_INPUTS, _ACTIVATIONS)):
        maps[rows] = _gradient(job, job.onehot[rows]).numpy()
    return maps


def integrated_gradients(job: Job) -> Maps:
    """Mean gradient of the probability on the paths from shuffled baselines to the sequence, float32 `(n, 4, L)`.

    The points are baseline + (x - baseline) s / 20 for s = 0 .. 19 (a left Riemann sum) and each of the baselines. The
    map is not multiplied by x - baseline. Sundararajan et al. 2017, arXiv:1703.01365, equation 3.
    """
    sums = torch.zeros(job.onehot.shape, dtype=torch.float64)
    fractions = (torch.arange(STEPS, dtype=job.onehot.dtype) / STEPS).view(-1, 1, 1)
    inputs = job.inputs(_INPUTS, _ACTIVATIONS)
    for rows in job.batches(inputs, STEPS):
        x = job.onehot[rows]
        baselines = shuffled(x, job.rows[rows], job.references, job.seed)
        starts, ends = baselines.flatten(0, 1), x.repeat_interleave(job.references, dim=0)
        owner = torch.arange(rows.start, rows.stop).repeat_interleave(job.references)
        for part in torch.arange(len(starts)).split(max(1, inputs // STEPS)):
            start = starts[part, None]
            points = start + (ends[part, None] - start) * fractions
            gradients = _gradient(job, points.flatten(0, 1)).unflatten(0, (-1, STEPS))
            sums.index_add_(0, owner[part], gradients.double().sum(1))
    means: Maps = (sums / (STEPS * job.references)).float().numpy()
    return means
