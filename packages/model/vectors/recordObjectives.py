"""Records what PyTorch makes of masked and preference objectives, for objectives/objectives.test.ts.

Weights, shape and tokens are those of llama.json; the reference model of the preference objective has the same weights
times 0.9. Rows: the first two of llama.json and the first two with their last tokens changed. Arrays are little-endian
FP32 in base64. Run: python recordObjectives.py > objectives.json (llama.json beside it)
"""

import base64
import json
import pathlib
import sys

import numpy
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

LLAMA = json.loads((pathlib.Path(__file__).parent / "llama.json").read_text())
SHAPE, LENGTH = LLAMA["shape"], LLAMA["sequenceLength"]
BETA, REFERENCE_SCALE = 0.3, 0.9


def names():
    yield "model.embed_tokens.weight"
    for layer in range(SHAPE["layers"]):
        parts = ["input_layernorm"] + [f"self_attn.{p}_proj" for p in "qkvo"]
        parts += ["post_attention_layernorm"] + [f"mlp.{p}_proj" for p in ("gate", "up", "down")]
        yield from (f"model.layers.{layer}.{part}.weight" for part in parts)
    yield "model.norm.weight"
    yield "lm_head.weight"


def model_with(flat):
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
    at = 0
    with torch.no_grad():
        for name in names():
            size = weights[name].numel()
            weights[name].copy_(torch.from_numpy(flat[at : at + size].copy()).reshape(weights[name].shape))
            at += size
    assert at == len(flat)
    return model, weights


def token_losses(model, tokens):
    logits = model(tokens[:, :-1]).logits
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, SHAPE["vocab"]), tokens[:, 1:].reshape(-1), reduction="none"
    ).reshape(len(tokens), LENGTH)


def gradient(weights):
    flat = torch.cat([weights[name].grad.reshape(-1) for name in names()])
    return base64.b64encode(flat.float().contiguous().numpy().tobytes()).decode()


torch.manual_seed(12)
torch.use_deterministic_algorithms(True)
flat = numpy.frombuffer(base64.b64decode(LLAMA["parameters"]), dtype="<f4")
all_tokens = torch.tensor(LLAMA["tokens"]).reshape(-1, LENGTH + 1)
chosen = all_tokens[:2]
rejected = chosen.clone()
rejected[:, 4:] = torch.randint(0, SHAPE["vocab"], rejected[:, 4:].shape)
mask_chosen = torch.zeros_like(chosen)
mask_chosen[0, 4:9] = 1
mask_chosen[1, 4:] = 1
mask_rejected = torch.zeros_like(rejected)
mask_rejected[0, 4:] = 1
mask_rejected[1, 4:7] = 1

model, weights = model_with(flat)
counts = mask_chosen[:, 1:].float()
masked_loss = (token_losses(model, chosen) * counts).sum() / counts.sum()
masked_loss.backward()
masked = {"loss": masked_loss.item(), "gradient": gradient(weights)}

model, weights = model_with(flat)
reference, _ = model_with(flat * numpy.float32(REFERENCE_SCALE))


def log_probability(of, tokens, mask):
    return -(token_losses(of, tokens) * mask[:, 1:].float()).sum(dim=1)


with torch.no_grad():
    reference_chosen = log_probability(reference, chosen, mask_chosen)
    reference_rejected = log_probability(reference, rejected, mask_rejected)
policy = log_probability(model, chosen, mask_chosen) - log_probability(model, rejected, mask_rejected)
margins = BETA * (policy - (reference_chosen - reference_rejected))
loss = -torch.nn.functional.logsigmoid(margins).mean()
loss.backward()
json.dump(
    {
        "recordedWith": {"torch": torch.__version__, "transformers": transformers.__version__},
        "beta": BETA,
        "referenceScale": REFERENCE_SCALE,
        "chosen": chosen.reshape(-1).tolist(),
        "chosenMask": mask_chosen.reshape(-1).tolist(),
        "rejected": rejected.reshape(-1).tolist(),
        "rejectedMask": mask_rejected.reshape(-1).tolist(),
        "masked": masked,
        "preference": {
            "referenceChosen": reference_chosen.tolist(),
            "referenceRejected": reference_rejected.tolist(),
            "margins": margins.tolist(),
            "loss": loss.item(),
            "gradient": gradient(weights),
        },
    },
    sys.stdout,
    indent=1,
)
