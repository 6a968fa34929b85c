"""The workload of the engine bench in PyTorch, a step at a time, so that the bench can take steps in turn with its own.

Same function as packages/model/src/transformer.ts: RMSNorm, rotary embedding (half rotation), grouped-query attention,
SwiGLU, untied head, mean cross-entropy; a step is loss and gradient of all weights.
First line of stdin: the model's numbers as JSON; answered by {"version", "modes"} once each mode is warm. Each further
line names a mode; its step is taken and answered by {"ms", "cpuMs"}; "matmul N" multiplies matrices of N by N instead.
Exit code 3: PyTorch is not here.
"""

import json
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit(3)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


class Block(torch.nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m
        width, depth = m["width"], m["width"] // m["heads"]
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.norm1 = torch.nn.Parameter(torch.ones(width))
        self.norm2 = torch.nn.Parameter(torch.ones(width))
        self.qkv = linear(width, (m["heads"] + 2 * m["kvHeads"]) * depth)
        self.out = linear(width, width)
        self.gate, self.up, self.down = linear(width, m["ffn"]), linear(width, m["ffn"]), linear(m["ffn"], width)

    def forward(self, x, cos, sin):
        m = self.m
        batch, length, width = x.shape
        heads, kv, depth = m["heads"], m["kvHeads"], width // m["heads"]
        rows = self.qkv(rms_norm(x, self.norm1, m["normEps"])).view(batch, length, heads + 2 * kv, depth)
        q, k, v = rows.transpose(1, 2).split((heads, kv, kv), dim=1)
        k, v = (t.repeat_interleave(heads // kv, dim=1) for t in (rotate(k, cos, sin), v))
        y = F.scaled_dot_product_attention(rotate(q, cos, sin), k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        h = rms_norm(x, self.norm2, m["normEps"])
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(torch.nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m
        self.embedding = torch.nn.Embedding(m["vocab"], m["width"])
        self.blocks = torch.nn.ModuleList(Block(m) for _ in range(m["layers"]))
        self.norm = torch.nn.Parameter(torch.ones(m["width"]))
        self.head = torch.nn.Linear(m["width"], m["vocab"], bias=False)
        half = m["width"] // m["heads"] // 2
        angles = torch.outer(torch.arange(m["sequenceLength"]), m["ropeTheta"] ** (-torch.arange(half) / half))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, tokens):
        x = self.embedding(tokens[:, :-1])
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = self.head(rms_norm(x, self.norm, self.m["normEps"]))
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def answer(values):
    print(json.dumps(values), flush=True)


def timed(work):
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return {"ms": 1e3 * (time.perf_counter() - start), "cpuMs": 1e3 * (time.process_time() - cpu)}


def step(model, tokens):
    model.zero_grad(set_to_none=False)
    return timed(lambda: model(tokens).backward())


def main():
    m = json.loads(sys.stdin.readline())
    torch.manual_seed(0)
    torch.set_num_threads(m["threads"])
    model = Model(m)
    tokens = torch.randint(m["vocab"], (m["batch"], m["sequenceLength"] + 1))
    modes = {"eager": model}
    try:
        compiled = torch.compile(model)
        step(compiled, tokens)
        modes["compiled"] = compiled
    except Exception:  # no C++ compiler: only the eager figure
        pass
    for mode in modes.values():
        step(mode, tokens)
        step(mode, tokens)
    answer({"version": torch.__version__, "modes": list(modes)})
    for line in sys.stdin:
        mode, *size = line.split()
        if mode == "matmul":
            a, b, c = (torch.full((int(size[0]), int(size[0])), 0.5) for _ in range(3))
            answer(timed(lambda: torch.matmul(a, b, out=c)))
        else:
            answer(step(modes[mode], tokens))


main()
