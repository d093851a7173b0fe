"""Writes a trained chain: three .onnx files and the manifest that names them."""

import base64
import hashlib
import json
import os

import onnx
import torch

from chain import OPSET, Layer, run, to_onnx

VERSION = "1.0.0"
PRECISIONS = ("fp32", "fp16", "int8")
# Of outputs between 0 and 1, to the fp32 answer. int8 gets what its rounding needs.
TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "int8": 2e-2}


def _tensor(x):
    data = x.numpy().astype("<f4").tobytes()
    return {
        "dtype": "float32",
        "shape": list(x.shape),
        "base64": base64.b64encode(data).decode(),
    }


def _known_answers(chain, scales, examples):
    answers = []
    for title, x in examples.items():
        # Bytes as a picture has them, so that preparation in a page gives the same.
        x = torch.round(x * 255) / 255
        with torch.no_grad():
            expected = run(chain, x)
            off = {
                p: (run(chain, x, p, scales if p == "int8" else None) - expected).abs().max().item()
                for p in PRECISIONS
            }
        answers.append({
            "title": title,
            "inputs": {chain.input_name: _tensor(x)},
            "outputs": {chain.output_name: _tensor(expected)},
            "tolerance": {
                p: float(f"{max(TOLERANCE[p], 3 * off[p]):.2g}") for p in PRECISIONS
            },
        })
    return answers


def publish(folder, chain, scales, examples, measured, **about):
    """Writes <folder>/<name>_<precision>.onnx and <folder>/<name>.sardonyx.json."""
    os.makedirs(folder, exist_ok=True)
    variants = []
    for precision in PRECISIONS:
        file = f"{chain.name}_{precision}.onnx"
        path = os.path.join(folder, file)
        onnx.save(to_onnx(chain, precision, scales), path)
        onnx.checker.check_model(path, full_check=True)
        data = open(path, "rb").read()
        variants.append({
            "name": precision,
            "url": file,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "precision": precision,
            "devices": ["cpu"] if precision == "int8" else ["webgpu", "cpu"],
            "opset": OPSET,
        })
    convolutions = [layer for layer in chain.layers if isinstance(layer, Layer)]
    manifest = {
        "format": 1,
        "name": chain.name,
        "version": VERSION,
        "license": "MIT",
        **about,
        "parameters": sum(c.weight.numel() + c.bias.numel() for c in convolutions),
        "variants": variants,
        "measured": measured,
        "knownAnswers": _known_answers(chain, scales, examples),
    }
    with open(os.path.join(folder, f"{chain.name}.sardonyx.json"), "w") as out:
        json.dump(manifest, out, indent=2)
        out.write("\n")
