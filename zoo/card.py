"""The model card: README.md of a model folder, generated from its config."""

from ..data_cards.cards import load_card
from .config import ModelConfig
from .shapes import plan

_ACTIVATION_NOTE = {
    "exponential": "Its first layer uses the exponential activation, which the study found to make filters and "
    "attribution maps far more readable than ReLU does.",
}


def model_card(config: ModelConfig) -> str:
    """Markdown with Hugging Face front matter."""
    card = load_card(config.dataset.name)
    parameters = plan(config.layers, config.input_length).parameters
    rows = "\n".join(
        f"| {trial.trial} | {trial.seed} | {trial.epochs} | {trial.score:.4f} | {trial.device} | "
        f"{trial.seconds:.0f} s | `{trial.sha256[:12]}` |"
        for trial in config.trials
        if trial.score is not None and trial.seconds is not None
    )
    note = _ACTIVATION_NOTE.get(config.activation, f"Its first-layer activation is `{config.activation}`.")
    return f"""---
license: {config.licence.lower()}
library_name: motifzoo
tags:
- genomics
- dna
- interpretability
- {config.activation}
datasets:
- motifzoo/{card.name}
metrics:
- roc_auc
---

# {config.name}

A genomic CNN, architecture `{config.architecture}` with {parameters:,} parameters, trained on
{card.title}: {card.summary}
{note}

It is made for studying which networks learn readable DNA motifs. It is not made for predicting regulatory activity
of real DNA.

```python
import motifzoo

model = motifzoo.load("{config.name}")  # one-hot (N, 4, {config.input_length}) to logits (N, {len(config.outputs)})
```

Every score is recomputed from the weights and the data by

```
motifzoo evaluate {config.name}
```

## Trials

Trained by `motifzoo train {config.name}` as the protocol's section 3 says. The validation score is
{card.monitor.upper()}, labels pooled.

| trial | seed | epochs | validation {card.monitor.upper()} | device | time | content hash |
|---|---|---|---|---|---|---|
{rows}

Data: `{card.name}` version {config.dataset.version}, fingerprint `{config.dataset.fingerprint[:12]}`.
Licence: {config.licence}.

## Citation

Koo, P. K. & Ploenzke, M. Improving representations of genomic sequence motifs in convolutional networks with
exponential activations. Nature Machine Intelligence 3, 258-266 (2021). doi 10.1038/s42256-020-00291-x
"""
