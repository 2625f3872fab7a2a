"""PyTorch as a contender: answers lines of JSON like peers/driver.h."""

import gzip
import json
import math
import os
import resource
import subprocess
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


def sampling(spec):
    x = floats(spec["x"])
    out = torch.empty_like(x)
    samplers = {
        "uniform": out.uniform_,
        "normal": out.normal_,
        "truncatedNormal": lambda: torch.nn.init.trunc_normal_(out),
        "bernoulli": lambda: out.bernoulli_(0.5),
        "dropout": lambda: F.dropout(x, 0.5),
    }
    return Work(samplers[spec["sampler"]], samplers[spec["sampler"]])


def init(spec):
    out = torch.empty(spec["side"], spec["side"])
    # PyTorch's deviation is that before the cut, and its cut is absolute: at two deviations, with 0.01 after it.
    std = 0.01 / 0.8796256610342398
    initializers = {
        "xavierUniform": torch.nn.init.xavier_uniform_,
        "heNormal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "truncatedNormal": lambda w: torch.nn.init.trunc_normal_(w, std=std, a=-2 * std, b=2 * std),
        "orthogonal": torch.nn.init.orthogonal_,
    }
    draw = initializers[spec["initializer"]]
    return Work(lambda: draw(out), lambda: draw(out))


def qr(spec):
    x = floats(spec["x"]).view(spec["side"], spec["side"])

    def with_positive_diagonal():
        q, r = torch.linalg.qr(x)
        return q * r.diag().sign()

    return Work(lambda: torch.linalg.qr(x), with_positive_diagonal)


def optimizer(spec):
    made = {
        "sgd": lambda p, foreach: torch.optim.SGD(p, lr=0.01, foreach=foreach),
        "momentum": lambda p, foreach: torch.optim.SGD(p, lr=0.01, momentum=0.9, foreach=foreach),
        "adam": lambda p, foreach: torch.optim.Adam(p, lr=0.001, foreach=foreach),
        "adamw": lambda p, foreach: torch.optim.AdamW(p, lr=0.001, weight_decay=0.01, foreach=foreach),
    }[spec["optimizer"]]

    def update(foreach):
        parameter = torch.nn.Parameter(floats(spec["x"]))
        parameter.grad = floats(spec["g"])
        work = Work(made([parameter], foreach).step, None)
        work.call()
        first = parameter.detach().clone()
        work.results = lambda: first
        return work

    return faster([update(False), update(True)])


def clip(spec):
    parameter = torch.nn.Parameter(floats(spec["g"]))
    parameter.grad = floats(spec["g"])
    return Work(lambda: torch.nn.utils.clip_grad_norm_([parameter], 1.0), lambda: parameter.grad)


class Step:
    """Training steps on rows gathered from data in memory; rows of bytes stay bytes until then."""

    def __init__(self, spec, foreach, x, y):
        self.batch = spec["batch"]
        self.x, self.y = x, y
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

    def rows(self, shuffle=True):
        if self.order is None or self.at + self.batch > len(self.y):
            self.order = torch.randperm(len(self.y)) if shuffle else torch.arange(len(self.y))
            self.at = 0
        rows = self.order[self.at : self.at + self.batch]
        self.at += self.batch
        return rows

    def step(self, rows):
        x = self.x[rows]
        if x.dtype == torch.uint8:
            x = x.float().div_(255)
        loss = F.cross_entropy(self.model(x), self.y[rows])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.optimizer.step()
        return loss.detach()

    def run(self, calls):
        return torch.stack([self.step(self.rows()) for _ in range(calls)])


def faster(ways, made=lambda way: way):
    """Of several ways to do the same work the fastest; `made` makes one ready to run."""

    def seconds(way):
        work = made(way)
        work.run(2)
        return sample(work, 0.1)

    return min(ways, key=seconds)


def step(spec):
    x, y = floats(spec["x"]).view(-1, spec["inputs"]), whole(spec["y"])
    first = Step(spec, False, x, y)
    losses = torch.stack([first.step(first.rows(shuffle=False)) for _ in range(spec["checked"])])
    way = faster([Step(spec, foreach, x, y) for foreach in (False, True)])
    way.results = lambda: losses
    return way


def idx(folder, name):
    """An IDX file of bytes, gzipped or not."""
    path = os.path.join(folder, name)
    opened = gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")
    with opened as file:
        content = file.read()
    axes = content[3]
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8).view(shape[0], -1)


class Epoch:
    """Epochs over images, whose last batch is smaller; the result is the accuracy after five."""

    def __init__(self, spec):
        def read(part):
            return [idx(spec["folder"], f"{part}-{what}-ubyte") for what in ("images-idx3", "labels-idx1")]

        (x, y), self.test = read("train"), read("t10k")
        y = y.view(-1).long()
        ways = [
            lambda foreach=foreach, images=images: Step(spec, foreach, images, y)
            for foreach in (False, True)
            for images in (x, x.float() / 255)
        ]
        self.begin = faster(ways, made=lambda way: way())
        self.steps = self.begin()

    def epoch(self, steps):
        order = torch.randperm(len(steps.y)).split(steps.batch)
        return torch.stack([steps.step(rows) for rows in order])

    def run(self, calls):
        pass

    def measure(self, seconds):
        start = time.perf_counter()
        self.epoch(self.steps)
        return time.perf_counter() - start

    def results(self):
        steps = self.begin()
        for _ in range(5):
            self.epoch(steps)
        steps.model.eval()
        x, y = self.test
        with torch.no_grad():
            right = steps.model(x.float() / 255).argmax(1) == y.view(-1)
        return right.float().mean().view(1)


class Contended:
    """Throughput while another process keeps a core busy, as a part of the throughput without it."""

    note = "it is compared with its own quiet pace"

    def __init__(self, spec):
        self.work = step(spec)

    def run(self, calls):
        self.work.run(calls)

    def results(self):
        return torch.zeros(0)

    def measure(self, seconds):
        quiet = sample(self.work, seconds)
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            return quiet / sample(self.work, seconds)
        finally:
            neighbour.kill()
            neighbour.wait()


class Memory(Contended):
    """Most memory that the process ever had while it trained, in MiB."""

    note = None

    def measure(self, seconds):
        sample(self.work, seconds)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


KINDS = {
    "gemm": gemm,
    "elementwise": elementwise,
    "sampling": sampling,
    "init": init,
    "qr": qr,
    "optimizer": optimizer,
    "clip": clip,
    "step": step,
    "epoch": Epoch,
    "contended": Contended,
    "memory": Memory,
}


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
                reply = {"ok": True, "note": getattr(work, "note", None)}
        except Exception as error:  # whatever PyTorch raises is the answer
            reply = {"error": str(error).split("\n")[0]}
        print(json.dumps(reply), flush=True)


serve()
