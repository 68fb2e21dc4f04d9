"""First-layer activations and architectures in plain words, by the names that recipes give them; what is unusual about
a model's training."""

from typing import Final

from .recipe import Training

ACTIVATIONS: Final = {
    "relu": "rectified linear, max(x, 0)",
    "exponential": "exponential, exp(x)",
    "sigmoid": "sigmoid, 1 / (1 + exp(-x))",
    "tanh": "hyperbolic tangent, tanh(x)",
    "softplus": "softplus, log(1 + exp(x))",
    "linear": "none: x is passed on as it is",
    "elu": "exponential linear unit: x above 0, exp(x) - 1 below",
    "shift_relu": "shifted rectified linear, max(x - 0.2, 0)",
    "scale_relu": "cubed rectified linear, max(x\u00b3, 0)",
    "shift_scale_relu": "shifted and cubed rectified linear, max((x - 0.2)\u00b3, 0)",
    "shift_sigmoid": "shifted sigmoid, sigmoid(x - 8)",
    "scale_sigmoid": "scaled sigmoid, 4000 sigmoid(x)",
    "shift_scale_sigmoid": "shifted and scaled sigmoid, 4000 sigmoid(x - 8)",
    "shift_tanh": "shifted hyperbolic tangent, tanh(x - 6)",
    "scale_tanh": "scaled hyperbolic tangent, 500 tanh(x) + 500",
    "shift_scale_tanh": "shifted and scaled hyperbolic tangent, 500 tanh(x - 6) + 500",
    "exp_relu": "rectified exponential, max(exp(0.1 x) - 1, 0)",
    "log_relu": "rectified logarithm, max(log |x|, 0)",
}

ARCHITECTURES: Final = {
    "cnn-2": "two convolutions, 32 filters in the first (64 at 1,000 nt); it is pooled by 2, so later layers can "
    "assemble motifs from parts",
    "cnn-50": "two convolutions, 32 filters in the first (64 at 1,000 nt); it is pooled by 50, so each of its filters "
    "has to hold a whole motif",
    "cnn-deep": "four convolutions, 32 filters in the first (64 at 1,000 nt), with small pools: motifs can be "
    "assembled over several layers",
    "cnn-local": "two convolutions, 24 filters in the first; it is pooled by 50, so each of its filters has to hold a "
    "whole motif",
    "cnn-dist": "four convolutions, 24 filters in the first, with small pools: motifs can be assembled over several "
    "layers",
    "basset": "Basset: three convolutions, the first of 300 filters, and two dense layers of 1000 units",
    "residualbind": "ResidualBind: a convolution, a residual block, and two more convolutions",
}


def unusual(training: Training | None) -> tuple[str, ...]:
    """Sentences on what tells a model from one trained as usual: its penalty, and that it is a control."""
    sentences = []
    if training is not None and training.layer1_l2 is not None:
        sentences.append(
            f"An L2 penalty of {training.layer1_l2:g} on the kernel of its first layer tells it from the model without."
        )
    if is_control(training):
        sentences.append("It is a control: the labels it was trained on are shuffled.")
    return tuple(sentences)


def is_control(training: Training | None) -> bool:
    """Whether a model was trained with shuffled labels."""
    return training is not None and training.shuffled_labels
