"""The networks of networks.ts in PyTorch.

Reads lines `{"name", "batch", "threads", "steps"}` and answers each with the fastest of so many steps (forward,
backward and Adam): `{"seconds", "cpu_seconds", "version"}`.
"""
import json
import sys
import time

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(channels, filters, 3, stride, 1),
            nn.BatchNorm1d(filters),
            nn.ReLU(),
            nn.Conv1d(filters, filters, 3, 1, 1),
            nn.BatchNorm1d(filters),
        )
        same = channels == filters and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv1d(channels, filters, 1, stride), nn.BatchNorm1d(filters))

    def forward(self, x):
        return torch.relu(self.main(x) + self.shortcut(x))


class Mean(nn.Module):
    def forward(self, x):
        return x.flatten(2).mean(2)


class BiLstm(nn.Module):
    """Two layers over [batch, steps, channels]; the last state of each direction of the second."""

    def __init__(self, channels, first, second):
        super().__init__()
        self.first = nn.LSTM(channels, first, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(2 * first, second, batch_first=True, bidirectional=True)

    def forward(self, x):
        _, (hidden, _) = self.second(self.first(x)[0])
        return torch.cat([hidden[0], hidden[1]], 1)


class StepsLast(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


def residual_cnn(channels):
    return nn.Sequential(
        nn.Conv1d(channels, 64, 5, 1, 2), nn.ReLU(), Residual(64, 64, 1), Residual(64, 128, 2), Residual(128, 256, 2),
        Mean(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 8),
    )  # fmt: skip


def conv1d(channels, filters, size):
    return [nn.Conv1d(channels, filters, size, 1, size // 2), nn.ReLU(), nn.BatchNorm1d(filters), nn.MaxPool1d(2)]


def conv1d_overlapping(channels, filters, size, pool):
    return [nn.Conv1d(channels, filters, size, 1, size // 2), nn.ReLU(), nn.BatchNorm1d(filters), nn.MaxPool1d(pool, 2, pool // 2)]


def conv2d(channels, filters):
    return [nn.Conv2d(channels, filters, 3, 1, 1), nn.ReLU(), nn.BatchNorm2d(filters), nn.MaxPool2d(2)]


def dense(*sizes):
    pairs = [(nn.Linear(a, b), nn.ReLU()) for a, b in zip(sizes, sizes[1:])]
    return [layer for pair in pairs for layer in pair]


NETWORKS = {
    "dense-512-256-128": ((180,), lambda: nn.Sequential(*dense(180, 512, 256, 128), nn.Linear(128, 8))),
    "residual-cnn1d-40x174": ((40, 174), lambda: residual_cnn(40)),
    "residual-cnn1d-128x130": ((128, 130), lambda: residual_cnn(128)),
    "cnn2d-32x94x2": (
        (2, 32, 94),
        lambda: nn.Sequential(*conv2d(2, 32), *conv2d(32, 64), *conv2d(64, 128), Mean(), *dense(128, 64), nn.Linear(64, 8)),
    ),
    "bilstm2-130x40": ((130, 40), lambda: nn.Sequential(BiLstm(40, 128, 64), *dense(128, 64), nn.Linear(64, 8))),
    "cnn-bilstm2-174x40": (
        (40, 174),
        lambda: nn.Sequential(
            *conv1d(40, 64, 5), *conv1d(64, 128, 3), StepsLast(), BiLstm(128, 64, 32), *dense(64, 128), nn.Linear(128, 8)
        ),
    ),
    "cnn1d-overlapping-2376x1": (
        (1, 2376),
        lambda: nn.Sequential(
            *conv1d_overlapping(1, 128, 5, 5), *conv1d_overlapping(128, 128, 5, 5), *conv1d_overlapping(128, 64, 3, 5),
            *conv1d_overlapping(64, 64, 3, 3), nn.Flatten(), *dense(64 * 149, 128), nn.Linear(128, 8),
        ),
    ),
}


def measure(name, batch, threads, steps):
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    shape, make = NETWORKS[name]
    network = make()
    optimizer = torch.optim.Adam(network.parameters())
    x, y = torch.randn(batch, *shape), torch.arange(batch) % 8
    loss = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(network(x), y).backward()
        optimizer.step()

    for _ in range(3):
        step()
    seconds = cpu_seconds = float("inf")
    for _ in range(steps):
        start, cpu_start = time.perf_counter(), time.process_time()
        step()
        seconds = min(seconds, time.perf_counter() - start)
        cpu_seconds = min(cpu_seconds, time.process_time() - cpu_start)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({**measure(**request), "version": torch.__version__}), flush=True)
