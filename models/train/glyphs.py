"""Trains models/glyphs: which digit or capital letter is it?

usage: glyphs.py FONTS OUTPUT [--steps N]
FONTS holds train/, trainGlyphs/ and heldOut/ with one folder per font package.
"""

import glob
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel

from chain import Chain, Layer, calibrate, run
from glyph_data import augmented, drawings, font_glyphs
from glyph_strokes import CLASSES, LOOK_ALIKES
from publish import publish
from training import arguments, falling_rate, running_average

SEED = 20261123
BATCH = 128
# out, kernel, stride, pad; the last is the classifier over the 4 x 4 that is left.
SHAPE = [(32, 5, 2, 2), (64, 3, 2, 1), (96, 3, 2, 1)]

ABOUT = {
    "title": "Which digit or capital letter is it?",
    "labels": CLASSES,
    "lookAlikes": LOOK_ALIKES,
    "inputs": [{
        "name": "glyph",
        "dtype": "float32",
        "shape": ["N", 1, 32, 32],
        "prepare": "Ink is 1, paper 0. Crop the box of the ink, scale it so that its longer side "
        "is 24 pixels (area average), keep its aspect, centre it.",
    }],
    "outputs": [{
        "name": "probabilities",
        "dtype": "float32",
        "shape": ["N", len(CLASSES)],
        "interpret": "One probability per character of labels. Add those of lookAlikes before "
        "saying how sure it is.",
    }],
}


def network():
    parts, channels = [], 1
    for out, kernel, stride, pad in SHAPE:
        conv = nn.Conv2d(channels, out, kernel, stride, pad, bias=False)
        parts += [conv, nn.BatchNorm2d(out), nn.ReLU()]
        channels = out
    return nn.Sequential(*parts, nn.Dropout(0.2), nn.Conv2d(channels, len(CLASSES), 4))


def chain_of(net):
    """The trained network with normalisation folded into the convolutions."""
    layers = []
    for i, (_, _, stride, pad) in enumerate(SHAPE):
        conv, norm = net[3 * i], net[3 * i + 1]
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = conv.weight * factor[:, None, None, None]
        bias = norm.bias - norm.running_mean * factor
        layers.append(Layer(f"conv{i + 1}", weight.detach(), bias.detach(), stride, pad))
    last = net[-1]
    layers.append(Layer("classes", last.weight.detach(), last.bias.detach(), 1, 0, relu=False))
    shape = ["N", 1, 32, 32]
    return Chain("glyphs", layers, "classify", "glyph", "probabilities", shape)


def training_data(fonts, smoke):
    drawn, drawn_labels = drawings(2000 if smoke else 20000, SEED)
    printed, printed_labels, names = font_glyphs(f"{fonts}/train", f"{fonts}/trainGlyphs")
    print(f"train: {len(drawn)} drawings, {len(printed)} glyphs of {len(set(names))} fonts")
    return drawn, drawn_labels, printed, printed_labels


def held_out_data(fonts, smoke):
    hershey = sorted(
        path for face in ("futural", "rowmans")
        for path in glob.glob(f"{fonts}/heldOut/**/{face}.jhf", recursive=True)
    )
    printed, printed_labels, names = font_glyphs(f"{fonts}/heldOut")
    drawn, drawn_labels = drawings(720 if smoke else 3600, SEED + 1, hershey)
    print(f"held out: {len(drawn)} drawings, {len(printed)} glyphs of {len(set(names))} fonts")
    return {"drawings": (drawn, drawn_labels), "fonts": (printed, printed_labels)}


def train(data, steps, snapshot):
    """A rate that falls to 0; the average of the weights over about the last 100 steps."""
    drawn, drawn_labels, printed, printed_labels = data
    generator = torch.Generator().manual_seed(SEED)
    net = network()
    average = AveragedModel(net, avg_fn=running_average, use_buffers=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1, weight_decay=1e-3)
    start = time.process_time()
    net.train()
    for step in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = falling_rate(2e-3, step, steps)
        a = torch.randint(len(drawn), (BATCH * 2 // 3,), generator=generator)
        b = torch.randint(len(printed), (BATCH - len(a),), generator=generator)
        x = augmented(torch.cat([drawn[a], printed[b]]), generator)
        y = torch.cat([drawn_labels[a], printed_labels[b]])
        loss = F.cross_entropy(net(x).flatten(1), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update_parameters(net)
        if step % 250 == 0:
            spent = time.process_time() - start
            print(f"step {step}: loss {loss.item():.3f}, {spent:.0f} s of CPU", flush=True)
        if step % 500 == 0 or step == steps:
            snapshot(average.module, step)


def accuracy(chain, pictures, labels, **precision):
    """(exact, with look-alikes counted as one class), in percent."""
    merged = torch.arange(len(CLASSES))
    for first, second in LOOK_ALIKES:
        merged[CLASSES.index(second)] = CLASSES.index(first)
    with torch.no_grad():
        guess = torch.cat([run(chain, x, **precision).argmax(1) for x in pictures.split(512)])
    exact = (guess == labels).float().mean().item()
    alike = (merged[guess] == merged[labels]).float().mean().item()
    return round(100 * exact, 2), round(100 * alike, 2)


def calibration(data):
    generator = torch.Generator().manual_seed(SEED + 2)
    drawn, _, printed, _ = data
    picks = torch.randint(len(drawn), (4, 96), generator=generator)
    prints = torch.randint(len(printed), (4, 32), generator=generator)
    return [augmented(torch.cat([drawn[a], printed[b]]), generator) for a, b in zip(picks, prints)]


def main():
    args = arguments(__doc__, steps=5000)
    torch.manual_seed(SEED)
    data = training_data(args.fonts, args.smoke)
    batches = calibration(data)
    held_out = held_out_data(args.fonts, args.smoke)
    drawn = held_out["drawings"][0]
    known = {CLASSES[i]: drawn[i : i + 1] for i in (10, 7)}

    def snapshot(net, steps):
        with torch.no_grad():
            chain = chain_of(net)
        scales = calibrate(chain, batches)
        accuracies = {}
        for precision in ("fp32", "fp16", "int8"):
            how = {"precision": precision, "scales": scales if precision == "int8" else None}
            accuracies[precision] = {
                split: dict(zip(("exact", "lookAlikesMerged"), accuracy(chain, *pair, **how)))
                for split, pair in held_out.items()
            }
        print(steps, accuracies, flush=True)
        measured = {"steps": steps, "accuracyPercent": accuracies}
        publish(args.output, chain, scales, known, measured, **ABOUT)

    train(data, args.steps, snapshot)


if __name__ == "__main__":
    main()
