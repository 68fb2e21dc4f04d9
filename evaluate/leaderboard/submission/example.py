"""A CNN of your own design, trained on a benchmark's data and written as a folder that `motifzoo submit` takes.

Change DATASET, NAME and `network`, and run this file with as many steps as the network needs:

    python THIS_FILE FOLDER --steps 5000              one trial
    python THIS_FILE FOLDER --steps 5000 --trials 3   three with other seeds, so that the board can show a spread

The network may be made of torch.nn's Conv1d (stride 1, any dilation), BatchNorm1d, ReLU, Sigmoid, Tanh, Softplus,
ELU, Identity, Dropout, MaxPool1d, AvgPool1d, AdaptiveMaxPool1d(1), AdaptiveAvgPool1d(1), Flatten and Linear, and of the
parts imported below. It reads one-hot DNA (N, 4, length) and puts out logits (N, classes).
"""

import argparse
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

import motifzoo
from motifzoo.data_cards.content import SequenceDataset, Split
from motifzoo.metrics import auroc
from motifzoo.zoo.activations import Activation  # eighteen, by name: `motifzoo.zoo.layers.ACTIVATIONS`

# As well: from motifzoo.zoo.builder import Lstm, ResidualBlock, SelfAttention

DATASET = "synthetic-codes"
NAME = f"dilated-exponential.{DATASET}"  # ARCHITECTURE-ACTIVATION.DATASET; the architecture's name is yours to choose
STEPS = 40  # enough to try everything; a real submission takes thousands
BATCH = 100


def network(classes: int) -> nn.Sequential:
    """The first convolution's filters are what is compared with known motifs, after its activation."""
    return nn.Sequential(
        nn.Conv1d(4, 32, kernel_size=19, padding="same", bias=False),
        nn.BatchNorm1d(32),
        Activation("exponential"),
        nn.Dropout(0.1),
        nn.MaxPool1d(4),
        nn.Conv1d(32, 48, kernel_size=5, padding="same", dilation=2, bias=False),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Conv1d(48, 48, kernel_size=5, padding="same", dilation=4, bias=False),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Linear(48, classes),
    )


def train(model: nn.Sequential, data: SequenceDataset, steps: int, device: str) -> float:
    """Adam on binary cross-entropy; returns the AUROC on the validation split, labels pooled."""
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(steps):
        rows = torch.randint(len(data.train), (BATCH,))
        labels = torch.from_numpy(data.train.labels[rows.numpy()]).float().to(device)
        loss = binary_cross_entropy_with_logits(model(onehot(data.train, rows).to(device)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        parts = torch.arange(len(data.valid)).split(500)
        logits = torch.cat([model(onehot(data.valid, rows).to(device)).cpu() for rows in parts])
    return float(auroc(data.valid.labels.ravel(), logits.numpy().ravel())[0])


def onehot(split: Split, rows: Tensor) -> Tensor:
    """Sequences as float32 (n, 4, length), channels A, C, G, T."""
    return torch.from_numpy(split.onehot(rows.numpy()))


def make(folder: str, *, trials: int = 1, steps: int = STEPS, device: str = "cpu") -> None:
    """Train the trials one after another and write each into the folder."""
    data = motifzoo.load_dataset(DATASET)
    for trial in range(trials):
        torch.manual_seed(trial)
        started = time.perf_counter()
        model = network(len(data.card.classes))
        score = train(model, data, steps, device)
        motifzoo.export(
            model,
            folder,
            name=NAME,
            dataset=DATASET,
            trial=trial,
            seed=trial,
            seconds=round(time.perf_counter() - started, 1),
            score=score,
            device=device,
        )
        print(f"{NAME}:{trial} is in {folder}; validation AUROC {score:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the network of this file and write it as a submission.")
    parser.add_argument("folder")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    make(arguments.folder, trials=arguments.trials, steps=arguments.steps, device=arguments.device)
