"""Records what transformers' LlamaForCausalLM (PyTorch, FP32, CPU) makes of a small model, for llama.test.ts.

The file this writes holds the weights in Alice's layout order, the tokens, the logits of every position, the mean loss
and its gradient; arrays are little-endian FP32 in base64. Run: python recordLlama.py > llama.json
"""

import base64
import json
import sys

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

SHAPE = {"layers": 2, "width": 24, "heads": 6, "kvHeads": 2, "ffn": 40, "context": 16, "vocab": 37}
BATCH, LENGTH = 3, 9


def names():
    yield "model.embed_tokens.weight"
    for layer in range(SHAPE["layers"]):
        parts = ["input_layernorm"] + [f"self_attn.{p}_proj" for p in "qkvo"]
        parts += ["post_attention_layernorm"] + [f"mlp.{p}_proj" for p in ("gate", "up", "down")]
        yield from (f"model.layers.{layer}.{part}.weight" for part in parts)
    yield "model.norm.weight"
    yield "lm_head.weight"


def packed(tensor):
    return base64.b64encode(tensor.detach().float().contiguous().numpy().tobytes()).decode()


def flat(tensors):
    return packed(torch.cat([tensor.reshape(-1) for tensor in tensors]))


torch.manual_seed(11)
torch.use_deterministic_algorithms(True)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=SHAPE["vocab"],
        hidden_size=SHAPE["width"],
        intermediate_size=SHAPE["ffn"],
        num_hidden_layers=SHAPE["layers"],
        num_attention_heads=SHAPE["heads"],
        num_key_value_heads=SHAPE["kvHeads"],
        max_position_embeddings=SHAPE["context"],
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        tie_word_embeddings=False,
        attention_bias=False,
        attn_implementation="eager",
    )
).float()
weights = dict(model.named_parameters())
assert set(weights) == set(names())
with torch.no_grad():
    for name in names():  # larger than at initialisation, so that every part of the model matters
        weights[name].copy_(torch.randn_like(weights[name]) * 0.25 + (1.0 if "norm" in name else 0.0))
tokens = torch.randint(0, SHAPE["vocab"], (BATCH, LENGTH + 1))
logits = model(tokens[:, :-1]).logits
losses = torch.nn.functional.cross_entropy(
    logits.reshape(-1, SHAPE["vocab"]), tokens[:, 1:].reshape(-1), reduction="none"
).reshape(BATCH, LENGTH)
losses.mean().backward()
json.dump(
    {
        "recordedWith": {"torch": torch.__version__, "transformers": transformers.__version__},
        "shape": SHAPE,
        "batch": BATCH,
        "sequenceLength": LENGTH,
        "tokens": tokens.reshape(-1).tolist(),
        "parameters": flat(weights[name] for name in names()),
        "logits": packed(logits),
        "rowLosses": losses.mean(dim=1).tolist(),
        "loss": losses.mean().item(),
        "gradient": flat(weights[name].grad for name in names()),
    },
    sys.stdout,
    indent=1,
)
