"""Golden values for libs/nn: forward passes and whole trainings in PyTorch, double precision.

Made with PyTorch 1.13.1 (Debian's python3-torch): python3 golden/make.py
Optimizer updates are written out with Keras's formulas, because PyTorch adds epsilon elsewhere in Adam
and decays weights elsewhere in SGD; everything below them (autograd, batch norm) is PyTorch's.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)


def rounded(tensor, digits=7):
    array = tensor.detach().numpy() if isinstance(tensor, torch.Tensor) else np.asarray(tensor)
    return [float(f"{x:.{digits}g}") for x in array.ravel()]


def single(array):
    """Rounded to single precision, so that both sides start from the same numbers."""
    return torch.tensor(np.float64(np.float32(array)))


class Adam:
    def __init__(self, rate, b1=0.9, b2=0.999, eps=1e-7, weight_decay=0.0):
        self.rate, self.b1, self.b2, self.eps, self.wd = rate, b1, b2, eps, weight_decay
        self.m, self.v, self.t = None, None, 0

    def step(self, ps, gs):
        self.m = self.m or [torch.zeros_like(p) for p in ps]
        self.v = self.v or [torch.zeros_like(p) for p in ps]
        self.t += 1
        alpha = self.rate * np.sqrt(1 - self.b2**self.t) / (1 - self.b1**self.t)
        for i, (p, g) in enumerate(zip(ps, gs)):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g * g
            p.mul_(1 - self.rate * self.wd)
            p.sub_(alpha * self.m[i] / (self.v[i].sqrt() + self.eps))


class Sgd:
    def __init__(self, rate, momentum=0.0, nesterov=False):
        self.rate, self.momentum, self.nesterov, self.v = rate, momentum, nesterov, None

    def step(self, ps, gs):
        self.v = self.v or [torch.zeros_like(p) for p in ps]
        for i, (p, g) in enumerate(zip(ps, gs)):
            self.v[i] = self.momentum * self.v[i] - self.rate * g
            p.add_(self.momentum * self.v[i] - self.rate * g if self.nesterov else self.v[i])


def cross_entropy(logits, targets):
    return -(targets * F.log_softmax(logits, 1)).sum(1)


def focal(gamma, alpha):
    def loss(logits, targets):
        log_p = F.log_softmax(logits, 1)
        return -(alpha * targets * (1 - log_p.exp()) ** gamma * log_p).sum(1)

    return loss


def train_dense(name, spec, seed, loss, optimizer, class_weight, smoothing=0.0, l2=0.0, clipnorm=None, global_clipnorm=None):
    """Dense 8 relu, batch norm, dense 5 gelu, dense 3; 20 steps over 4 batches of 8."""
    rng = np.random.default_rng(seed)
    x = single(rng.normal(size=(32, 6)))
    y = torch.tensor(rng.integers(0, 3, 32))
    shapes = [(6, 8), (8,), (8,), (8,), (8, 5), (5,), (5, 3), (3,)]
    ps = [single(rng.normal(size=s) * 0.4 + (1 if i == 2 else 0)).requires_grad_() for i, s in enumerate(shapes)]
    start = torch.cat([p.reshape(-1) for p in ps])
    moving_mean, moving_var = torch.zeros(8), torch.ones(8)
    weights = torch.tensor(class_weight)
    losses = []
    for step in range(20):
        rows = slice(step % 4 * 8, step % 4 * 8 + 8)
        h = F.relu(x[rows] @ ps[0] + ps[1])
        mean, var = h.mean(0), h.var(0, unbiased=False)
        h = F.batch_norm(h, None, None, ps[2], ps[3], training=True, eps=1e-3)
        h = F.gelu(h @ ps[4] + ps[5])
        logits = h @ ps[6] + ps[7]
        targets = F.one_hot(y[rows], 3) * (1 - smoothing) + smoothing / 3
        total = (loss(logits, targets) * weights[y[rows]]).mean() + l2 * (ps[0] ** 2).sum()
        gradients = torch.autograd.grad(total, ps)
        with torch.no_grad():
            if clipnorm:
                gradients = [g * min(1, clipnorm / float(g.norm())) for g in gradients]
            if global_clipnorm:
                norm = float(torch.cat([g.reshape(-1) for g in gradients]).norm())
                gradients = [g * min(1, global_clipnorm / norm) for g in gradients]
            optimizer.step(ps, gradients)
            moving_mean = 0.9 * moving_mean + 0.1 * mean
            moving_var = 0.9 * moving_var + 0.1 * var
        losses.append(total.item())
    end = torch.cat([p.reshape(-1) for p in ps])
    return {
        "name": name,
        **spec,
        "class_weight": class_weight,
        "kernel_l2": l2,
        "x": rounded(x, 9),
        "y": y.tolist(),
        "start": rounded(start, 9),
        "losses": rounded(torch.tensor(losses)),
        "end": rounded(end),
        "statistics": rounded(torch.cat([moving_mean, moving_var])),
    }


def gates(weight, order):
    """Columns of our [n, gates * units] weights as PyTorch's rows, gates in PyTorch's order."""
    parts = weight.chunk(len(order), -1)
    return torch.cat([parts[i] for i in order], -1).transpose(0, -1)


def recurrent(kind, x, directions):
    """nn.LSTM or nn.GRU on given weights: all hidden states. x: [batch, steps, channels]."""
    # Ours: input, output, forget, candidate, or update, reset, candidate.
    order = [0, 2, 3, 1] if kind is torch.nn.LSTM else [1, 0, 2]
    units = directions[0][1].shape[0]
    weights = [
        gates(weight, order) for kernel, hidden, bias, hidden_bias in directions for weight in (kernel, hidden, bias, hidden_bias)
    ]
    zero = torch.zeros(len(directions), len(x), units)
    start, run = ((zero, zero), torch.lstm) if kind is torch.nn.LSTM else (zero, torch.gru)
    return run(x, start, weights, True, 1, 0.0, False, len(directions) == 2, True)[0]


def sequence_network(ps, x):
    """Convolution, batch norm, pooling, a strided residual block, a bidirectional LSTM and a GRU."""
    h = F.relu(F.conv1d(x.transpose(1, 2), ps[0], ps[1], padding=1))
    moments = (h.mean((0, 2)), h.var((0, 2), unbiased=False))
    h = F.max_pool1d(F.batch_norm(h, None, None, ps[2], ps[3], training=True, eps=1e-3), 2)
    # Keras's `same` with stride 2 on an even size pads only at the end.
    main = F.relu(F.conv1d(F.pad(h, (0, 1)), ps[4], ps[5], stride=2))
    h = F.relu(main + F.conv1d(h, ps[6], ps[7], stride=2)).transpose(1, 2)
    zero = torch.zeros(12)
    h = recurrent(torch.nn.LSTM, h, [(*ps[8:11], zero), (*ps[11:14], zero)])
    h = recurrent(torch.nn.GRU, h, [ps[14:18]])[:, -1]
    return h @ ps[18] + ps[19], moments


def image_network(ps, x):
    """Two convolutions, one with strides, pooling, layer norm and attention over time."""
    h = F.elu(F.conv2d(x.permute(0, 3, 1, 2), ps[0], ps[1], stride=(1, 2)))
    h = F.conv2d(h, ps[2], None, padding=1)
    moments = (h.mean((0, 2, 3)), h.var((0, 2, 3), unbiased=False))
    h = F.batch_norm(h, None, None, ps[3], ps[4], training=True, eps=1e-3)
    h = F.avg_pool2d(h, (2, 1)).permute(0, 2, 3, 1).reshape(len(x), 6, 4)
    h = F.layer_norm(h, (4,), ps[5], ps[6], eps=1e-3)
    scores = torch.tanh(h @ ps[7] + ps[8]) @ ps[9]
    h = (h * F.softmax(scores, 1)).sum(1)
    return h @ ps[10] + ps[11], moments


def train_network(name, network, inputs, shapes, seed):
    """20 steps of Adam over 2 batches of 4."""
    rng = np.random.default_rng(seed)
    x = single(rng.normal(size=(8, *inputs)))
    y = torch.tensor(rng.integers(0, 3, 8))
    ps = [single(rng.normal(size=s) * 0.5).requires_grad_() for s in shapes]
    start = torch.cat([p.reshape(-1) for p in ps])
    optimizer = Adam(0.01)
    losses, moving = [], (0.0, 1.0)
    for step in range(20):
        rows = slice(step % 2 * 4, step % 2 * 4 + 4)
        logits, moments = network(ps, x[rows])
        total = cross_entropy(logits, F.one_hot(y[rows], 3)).mean()
        gradients = torch.autograd.grad(total, ps)
        with torch.no_grad():
            optimizer.step(ps, gradients)
            moving = tuple(0.9 * old + 0.1 * new for old, new in zip(moving, moments))
        losses.append(total.item())
    return {
        "name": name,
        "x": rounded(x, 9),
        "y": y.tolist(),
        "start": rounded(start, 9),
        "losses": rounded(torch.tensor(losses)),
        "end": rounded(torch.cat([p.reshape(-1) for p in ps])),
        "statistics": rounded(torch.cat(moving)),
    }


def activations():
    x = torch.linspace(-4, 4, 17)
    functions = {
        "relu": F.relu,
        "elu": F.elu,
        "gelu": F.gelu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "swish": F.silu,
        "softmax": lambda v: F.softmax(v, 0),
        "linear": lambda v: v,
    }
    return {"x": rounded(x), "y": {name: rounded(function(x)) for name, function in functions.items()}}


def write(name, value):
    with open(os.path.join(HERE, name), "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    write(
        "dense.json",
        [
            train_dense(
                "Adam, cross-entropy with class weights, label smoothing and L2",
                {
                    "optimizer": {"adam": {"learning_rate": 0.01}},
                    "loss": {"categorical_crossentropy": {"label_smoothing": 0.1}},
                },
                1,
                cross_entropy,
                Adam(0.01),
                [1.0, 2.0, 0.5],
                smoothing=0.1,
                l2=0.01,
            ),
            train_dense(
                "AdamW with clipped norms",
                {
                    "optimizer": {"adamw": {"learning_rate": 0.01, "weight_decay": 0.1, "clipnorm": 0.2}},
                    "loss": {"categorical_crossentropy": {}},
                },
                2,
                cross_entropy,
                Adam(0.01, weight_decay=0.1),
                [1.0, 1.0, 1.0],
                clipnorm=0.2,
            ),
            train_dense(
                "SGD with Nesterov momentum, focal loss, clipped global norm",
                {
                    "optimizer": {
                        "sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "global_clipnorm": 0.5}
                    },
                    "loss": {"focal": {"gamma": 1.5, "alpha": [0.5, 1.0, 0.75]}},
                },
                3,
                focal(1.5, torch.tensor([0.5, 1.0, 0.75])),
                Sgd(0.1, 0.9, True),
                [1.0, 1.0, 1.0],
                global_clipnorm=0.5,
            ),
            train_dense(
                "plain SGD with momentum",
                {
                    "optimizer": {"sgd": {"learning_rate": 0.05, "momentum": 0.5}},
                    "loss": {"categorical_crossentropy": {}},
                },
                4,
                cross_entropy,
                Sgd(0.05, 0.5),
                [1.0, 1.0, 1.0],
            ),
        ],
    )
    write(
        "networks.json",
        [
            train_network(
                "sequence",
                sequence_network,
                (8, 3),
                [(4, 3, 3), (4,), (4,), (4,), (5, 4, 3), (5,), (5, 4, 1), (5,)]
                + [(5, 12), (3, 12), (12,)] * 2
                + [(6, 12), (4, 12), (12,), (12,), (4, 3), (3,)],
                5,
            ),
            train_network(
                "image",
                image_network,
                (5, 6, 2),
                [(3, 2, 2, 2), (3,), (4, 3, 3, 3), (4,), (4,), (4,), (4,), (4, 3), (3,), (3, 1), (4, 3), (3,)],
                6,
            ),
        ],
    )
    write("activations.json", activations())
