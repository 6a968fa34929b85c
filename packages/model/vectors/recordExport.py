"""What transformers makes of an exported folder: ids of a text, the logits
after every fifth id (FP32, CPU, base64). Called by recordExport.mjs.

Run: python recordExport.py FOLDER TEXT
"""

import base64
import json
import sys

import torch
import transformers

folder, text = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
assert type(model).__name__ == "LlamaForCausalLM"
tokens = tokenizer(text)["input_ids"]
assert tokenizer.decode(tokens) == text
with torch.no_grad():
    logits = model(torch.tensor([tokens])).logits[0][4::5].contiguous()
print(
    json.dumps(
        {
            "with": f"transformers {transformers.__version__}, torch {torch.__version__}",
            "tokens": tokens,
            "logits": base64.b64encode(logits.numpy().tobytes()).decode(),
        }
    )
)
