"""PyTorch as a contender: answers lines of JSON like peers/driver.h."""

import json
import math
import os
import sys
import time

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(int(os.environ.get("BENCH_NUM_THREADS", "1")))


def floats(path):
    return torch.from_numpy(numpy.fromfile(path, dtype=numpy.float32))


def whole(path):
    return torch.from_numpy(numpy.fromfile(path, dtype=numpy.int32)).long()


class Work:
    """Something to do any number of times; `results` are compared with the other contenders'."""

    def __init__(self, call, results):
        self.call, self.results = call, results

    def run(self, calls):
        for _ in range(calls):
            self.call()


def gemm(spec):
    M, N, K, layout = spec["M"], spec["N"], spec["K"], spec["layout"]
    a = floats(spec["a"]).view(M, K) if layout[0] == "n" else floats(spec["a"]).view(K, M).t()
    b = floats(spec["b"]).view(K, N) if layout[1] == "n" else floats(spec["b"]).view(N, K).t()
    out = torch.empty(M, N)
    return Work(lambda: torch.mm(a, b, out=out), lambda: out)


def elementwise(spec):
    x = floats(spec["x"])
    row = int(spec["row"])
    if row:
        x = x.view(-1, row)
    out = torch.empty_like(x)
    ones, zeros = torch.ones(row), torch.zeros(row)
    # With `out` where PyTorch has it: a fresh result would be page faults more than arithmetic.
    ops = {
        "relu": lambda: torch.clamp_min(x, 0, out=out),
        "sigmoid": lambda: torch.sigmoid(x, out=out),
        "tanh": lambda: torch.tanh(x, out=out),
        "gelu": lambda: torch._C._nn.gelu(x, out=out),
        "exp": lambda: torch.exp(x, out=out),
        "log": lambda: torch.log(x, out=out),
        "softmax": lambda: torch._softmax(x, 1, False, out=out),
        "layerNorm": lambda: F.layer_norm(x, (row,), ones, zeros),
        "expm1": lambda: torch.expm1(x, out=out),
        "log1p": lambda: torch.log1p(x, out=out),
        "erf": lambda: torch.erf(x, out=out),
        "silu": lambda: torch._C._nn.silu(x, out=out),
        "softplus": lambda: torch._C._nn.softplus(x, out=out),
        "elu": lambda: torch._C._nn.elu(x, out=out),
        "mish": lambda: torch._C._nn.mish(x, out=out),
        "rsqrt": lambda: torch.rsqrt(x, out=out),
        "pow": lambda: torch.pow(x, spec["exponent"], out=out),
    }
    return Work(ops[spec["op"]], ops[spec["op"]])


class Step:
    """Training steps on rows gathered from data in memory, by whichever optimizer path is faster."""

    def __init__(self, spec, foreach):
        self.batch = spec["batch"]
        self.x = floats(spec["x"]).view(-1, spec["inputs"])
        self.y = whole(spec["y"])
        self.order, self.at = None, 0
        self.model = self.network(spec)
        self.params = list(self.model.parameters())
        kind = torch.optim.Adam if spec["optimizer"] == "adam" else torch.optim.SGD
        self.optimizer = kind(self.params, lr=spec["lr"], foreach=foreach)

    @staticmethod
    def network(spec):
        width, at, layers = spec["inputs"], 0, []
        for layer in spec["layers"].split(" "):
            if layer.startswith("linear:"):
                out = int(layer[7:])
                linear = torch.nn.Linear(width, out)
                with torch.no_grad():
                    linear.weight.copy_(floats(spec[f"w{at}"]).view(out, width))
                    linear.bias.zero_()
                layers.append(linear)
                width, at = out, at + 1
            elif layer == "batchnorm":
                layers.append(torch.nn.BatchNorm1d(width))
            else:
                layers.append({"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[layer]())
        return torch.nn.Sequential(*layers)

    def rows(self, shuffle):
        if self.order is None or self.at + self.batch > len(self.y):
            self.order = torch.randperm(len(self.y)) if shuffle else torch.arange(len(self.y))
            self.at = 0
        rows = self.order[self.at : self.at + self.batch]
        self.at += self.batch
        return rows

    def step(self, shuffle=True):
        rows = self.rows(shuffle)
        loss = F.cross_entropy(self.model(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.optimizer.step()
        return loss.detach()

    def run(self, calls):
        return torch.stack([self.step() for _ in range(calls)])


def step(spec):
    first = Step(spec, False)
    losses = torch.stack([first.step(shuffle=False) for _ in range(spec["checked"])])
    ways = [Step(spec, foreach) for foreach in (False, True)]
    for way in ways:
        way.results = lambda: losses
        way.run(2)
    return min(ways, key=lambda way: sample(way, 0.1))


KINDS = {"gemm": gemm, "elementwise": elementwise, "step": step}


def seconds_of(work, calls):
    start = time.perf_counter()
    work.run(calls)
    return time.perf_counter() - start


def sample(work, seconds):
    """Seconds per call over at least `seconds`, after a tenth of that to warm up."""
    calls, warm = 1, seconds_of(work, 1)
    while warm < seconds / 10:
        calls *= 2
        warm = seconds_of(work, calls)
    calls = max(1, math.ceil(seconds / (warm / calls)))
    return seconds_of(work, calls) / calls


def serve():
    work = None
    for line in sys.stdin:
        spec = json.loads(line)
        try:
            if spec["do"] == "sample":
                seconds = spec["ms"] / 1000
                reply = {"measured": work.measure(seconds) if hasattr(work, "measure") else sample(work, seconds)}
            elif spec["kind"] not in KINDS:
                reply = {"unsupported": "no such kind of work"}
            else:
                work = KINDS[spec["kind"]](spec)
                work.run(1)
                if "out" in spec:
                    work.results().detach().contiguous().float().numpy().tofile(spec["out"])
                reply = {"ok": True}
        except Exception as error:  # whatever PyTorch raises is the answer
            reply = {"error": str(error).split("\n")[0]}
        print(json.dumps(reply), flush=True)


serve()
