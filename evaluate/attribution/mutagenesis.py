"""In-silico saturation mutagenesis that recomputes only what a substitution can reach.

A substitution changes a few positions of the first layer's output, a few more after each convolution and fewer after
each pooling. Those windows (see `windows`) are computed for the substitutions at one position, or a few neighbouring
ones, of many sequences at once, where they all have the same borders. From the first layer that is not local on
(flattening, global pooling, attention, LSTM) the mutants' whole activations go through the layers themselves: the plain
way, from there.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...data_cards.onehot import ALPHABET, OTHER
from .job import Job, Maps
from .windows import Window, bind, run, through

_SEQUENCES = 128  # at once: enough for fast convolutions, few enough for their windows to stay in the processor's cache
_INPUTS = 1024  # mutants at once
_ACTIVATIONS = 2**27  # numbers that as many whole inputs may hold together
# Neighbouring positions at once, over the square root of the number of sequences: more make fewer and larger steps, and
# wider windows.
_NEIGHBOURS = 32


def mutagenesis(job: Job) -> Maps:
    """f(mutant) - f(wild type) for every substitution, float32 `(n, 4, L)`; 0 at the nucleotide that is there.

    f is the probability. Equal to passing batches of mutants through the network, to 1e-6. Where the sequence has no
    nucleotide (a column of zeros) all four are tried. The two sigmoids are taken in float64, because float32 cannot
    tell probabilities above 1 - 6e-8 apart.
    """
    maps = np.empty(job.onehot.shape, dtype=np.float32)
    modules = tuple(job.network.children())
    inputs = job.inputs(_INPUTS, _ACTIVATIONS)
    with torch.inference_mode():
        for rows in job.batches(min(inputs, len(ALPHABET) * _SEQUENCES), len(ALPHABET)):
            codes = torch.from_numpy(job.codes[rows].astype(np.int64)).to(job.device)
            wild, mutant = _logits(modules, job.onehot[rows].to(job.device), codes, job.output, inputs)
            changed = torch.sigmoid(mutant.cpu().double()) - torch.sigmoid(wild.cpu().double())
            changed = changed.permute(2, 1, 0).masked_fill(job.onehot[rows] == 1, 0.0)
            maps[rows] = changed.numpy()
    return maps


def _logits(modules: Sequence[nn.Module], x: Tensor, codes: Tensor, output: int, inputs: int) -> tuple[Tensor, Tensor]:
    """One output's logits: of the sequences `x`, `(B,)`, and of each nucleotide at each position, `(L, 4, B)`."""
    bound = bind(modules, x)
    wild = through(bound.rest, bound.wild)[:, output]
    # The three other nucleotides; all four if some sequence has none somewhere.
    shift = torch.arange(int((codes < OTHER).all()), len(ALPHABET), device=x.device)
    new = (codes.t()[..., None] % len(ALPHABET) + shift) % len(ALPHABET)  # (L, B, M)
    logits = wild[:, None].expand(new.shape).clone()
    together = max(1, min(round(_NEIGHBOURS / math.sqrt(len(x))), inputs // new[0].numel()))
    for positions in torch.arange(x.shape[2]).split(together):
        here = slice(int(positions[0]), int(positions[-1]) + 1)
        window = run(bound.stages, Window(here.start, _substituted(x[..., here], new[here])))
        if window.values.shape[3]:
            whole = window.widened(bound.wild, 0, bound.wild.shape[2]).flatten(0, 1)
            logits[here] = through(bound.rest, whole)[:, output].view(len(x), len(positions), -1).transpose(0, 1)
    mutant = wild[:, None].expand(-1, len(ALPHABET)).repeat(x.shape[2], 1, 1).scatter_(2, new, logits)
    return wild, mutant.transpose(1, 2)


def _substituted(x: Tensor, new: Tensor) -> Tensor:
    """The stretch `x`, `(B, 4, P)`, with one position at a time set to each of `new`, `(P, B, M)`: `(B, P M, 4, P)`."""
    count, _, mutants = new.shape
    out = x[:, None, None].repeat(1, count, mutants, 1, 1)
    columns = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)[new]  # (P, B, M, 4)
    out.diagonal(dim1=1, dim2=4).copy_(columns.permute(1, 2, 3, 0))
    return out.flatten(1, 2)
