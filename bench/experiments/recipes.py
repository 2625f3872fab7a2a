"""The experiments on plain stacks in PyTorch, by the same recipe: `python3 recipes.py EXPERIMENT ROW SEED…`.

Prints each seed's test accuracy in percent, then their mean and deviation. Rows are those of ROWS, experiments those of
EXPERIMENTS; the data is where Debian's dataset-fashion-mnist has it, pixels standardized.
"""

import gzip
import math
import statistics
import sys

import numpy
import torch
from torch import nn

FOLDER = "/usr/share/datasets/fashion-mnist/"
WIDTH, BATCH, MOMENTUM = 128, 128, 0.9
# Hidden layers, activation, variance of the biases, steps, learning rate.
EXPERIMENTS = {
    "relu30": (30, nn.ReLU, 0, 1400, 0.01),
    "relu50": (50, nn.ReLU, 0, 1000, 0.01),
    "tanh100": (100, nn.Tanh, 2e-5, 400, 0.003),
}
ROWS = {
    "he": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "xavier": nn.init.xavier_normal_,
    "default": lambda w: w.uniform_(-(w.shape[1] ** -0.5), w.shape[1] ** -0.5),
    "orthogonal-sqrt2": lambda w: nn.init.orthogonal_(w, math.sqrt(2)),
    "orthogonal-1.05": lambda w: nn.init.orthogonal_(w, math.sqrt(1.05)),
    "gaussian-1.05": lambda w: w.normal_(0, math.sqrt(1.05 / w.shape[1])),
}


def idx(name, header):
    with gzip.open(FOLDER + name + "-ubyte.gz") as file:
        return torch.from_numpy(numpy.frombuffer(file.read(), numpy.uint8, offset=header).copy())


def images(part):
    return idx(part + "-images-idx3", 16).view(-1, 784).float()


@torch.no_grad()
def network(depth, activation, bias_variance, begin):
    layers = []
    for i in range(depth):
        linear = nn.Linear(WIDTH if i else 784, WIDTH)
        begin(linear.weight)
        linear.bias.normal_(0, math.sqrt(bias_variance))
        layers += [linear, activation()]
    head = nn.Linear(WIDTH, 10)
    head.weight.normal_(0, math.sqrt(1 / WIDTH))
    head.bias.zero_()
    return nn.Sequential(*layers, head)


def accuracy(seed, experiment, row, train, test):
    torch.manual_seed(seed)
    depth, activation, bias_variance, steps, lr = EXPERIMENTS[experiment]
    model = network(depth, activation, bias_variance, ROWS[row])
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM)
    (x, y), (test_x, test_y) = train, test
    per_epoch = len(x) // BATCH
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(x))
        rows = order[step % per_epoch * BATCH :][:BATCH]
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return 100 * (model(test_x).argmax(1) == test_y).float().mean().item()


def main(experiment, row, *seeds):
    torch.set_num_threads(1)
    x, test_x = images("train"), images("t10k")
    mean, std = x.mean(), x.std()
    train = (x - mean) / std, idx("train-labels-idx1", 8).long()
    test = (test_x - mean) / std, idx("t10k-labels-idx1", 8).long()
    seen = []
    for seed in seeds:
        seen.append(accuracy(int(seed), experiment, row, train, test))
        print(seed, f"{seen[-1]:.1f}", flush=True)
    spread = f" ± {statistics.stdev(seen):.1f}" if len(seen) > 1 else ""
    print(f"{experiment} {row}: {statistics.mean(seen):.1f}{spread}")


main(*sys.argv[1:])
