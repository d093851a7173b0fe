"""Trains models/denoise: takes the noise out of a colour picture.

usage: denoise.py FONTS OUTPUT [--steps N] [--photos FOLDER]
FONTS holds train/ with one folder per font package. FOLDER has photos to measure with as well.
"""

import copy
import glob
import math
import os
import time

import numpy as np
import torch
from PIL import Image

from chain import Chain, Layer, calibrate, run, scale_of
from glyph_data import font_files
from noise import gaussian, mixed
from picture_quality import psnr, ssim
from publish import PRECISIONS, publish
from scenes import training_scenes
from scenes_held_out import held_out_scenes
from training import arguments, falling_rate, running_average

SEED = 20261125
BATCH, PATCH = 16, 48
CHANNELS = 24
# Of the 3 x 3 convolutions: each output pixel sees 23 x 23 pixels.
DILATIONS = [1, 1, 2, 3, 2, 1, 1]
SCENE = 160
SIGMAS = (10, 25, 50)
# From this part of the steps on, training goes through the rounding of int8.
QUANTIZED_FROM = 0.75

ABOUT = {
    "title": "Takes the noise out of a picture",
    "inputs": [{
        "name": "picture",
        "dtype": "float32",
        "shape": ["N", 3, "H", "W"],
        "prepare": "Red, green, blue planes, bytes divided by 255. Any height and width.",
    }],
    "outputs": [{
        "name": "denoised",
        "dtype": "float32",
        "shape": ["N", 3, "H", "W"],
        "interpret": "The picture without noise, 0 to 1, of the same size. An output pixel depends "
        "on the 11 pixels around it in each direction: tiles need that much overlap.",
    }],
}


def network(generator):
    layers, channels = [], 3
    for i, dilation in enumerate(DILATIONS):
        last = i == len(DILATIONS) - 1
        out = 3 if last else CHANNELS
        weight = torch.randn((out, channels, 3, 3), generator=generator)
        weight *= (1 if i == 0 else 0.3) * math.sqrt(2 / (channels * 9))
        if 0 < i and not last:
            # Handing the picture on is half of the work, and slow to learn.
            weight += torch.nn.init.dirac_(torch.empty_like(weight))
        layers.append(Layer(
            f"conv{i + 1}", weight.requires_grad_(), torch.zeros(out).requires_grad_(),
            pad=dilation, relu=not last, dilation=dilation,
        ))
        channels = out
    shape = ["N", 3, "H", "W"]
    return Chain("denoise", layers, "residual", "picture", "denoised", shape)


def tensors(chain):
    return [tensor for layer in chain.layers for tensor in (layer.weight, layer.bias)]


def frozen(chain):
    """A copy without gradients."""
    with torch.no_grad():
        layers = [copy.copy(layer) for layer in chain.layers]
        for layer in layers:
            layer.weight, layer.bias = layer.weight.detach().clone(), layer.bias.detach().clone()
        return Chain(**{**vars(chain), "layers": layers})


def planes(pictures):
    """[n, height, width, 3] as a tensor [n, 3, height, width]."""
    return torch.tensor(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def patches(scenes, rng):
    """BATCH clean patches: cut out, turned, with other light and colours."""
    cut = []
    for _ in range(BATCH):
        y, x = rng.integers(0, SCENE - PATCH + 1, 2)
        patch = scenes[rng.integers(len(scenes)), y : y + PATCH, x : x + PATCH]
        patch = np.rot90(patch, rng.integers(4))[:, :: rng.choice([-1, 1])]
        patch = patch[..., rng.permutation(3)] ** np.exp(rng.normal(0, 0.25))
        cut.append(rng.uniform(0, 0.2) + rng.uniform(0.4, 0.8) * patch)
    return planes(np.stack(cut).astype(np.float32))


def calibration(scenes):
    rng, generator = np.random.default_rng(SEED + 2), torch.Generator().manual_seed(SEED + 2)
    return [mixed(patches(scenes, rng), generator) for _ in range(8)]


def scales_of(chain, batches):
    scales = calibrate(chain, batches)
    # Bytes go in as they are.
    scales[0] = scale_of(0, 1)
    return scales


def train(scenes, batches, steps, snapshot):
    """A rate that falls to 0; the average of the weights over about the last 100 steps."""
    rng, generator = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED)
    chain = network(generator)
    average, scales = frozen(chain), None
    optimiser = torch.optim.Adam(tensors(chain), lr=1)
    start, losses = time.process_time(), []
    for step in range(1, steps + 1):
        if scales is None and step > steps * QUANTIZED_FROM:
            scales = scales_of(average, batches)
        rate = falling_rate(2e-3, step, steps) * min(1, step / 100)
        optimiser.param_groups[0]["lr"] = rate
        clean = patches(scenes, rng)
        how = {"precision": "int8", "scales": scales} if scales else {}
        error = run(chain, mixed(clean, generator), **how) - clean
        # PSNR: each patch counts alike, however strong its noise is.
        loss = torch.log((error**2).mean((1, 2, 3)) + 1e-5).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tensors(chain), 5)
        optimiser.step()
        with torch.no_grad():
            for mean, value in zip(tensors(average), tensors(chain)):
                mean.copy_(running_average(mean, value, step - 1))
        losses.append(loss.item())
        if step % 50 == 0:
            spent = time.process_time() - start
            recent = np.mean(losses[-50:])
            print(f"step {step}: loss {recent:.3f}, {spent:.0f} s of CPU", flush=True)
        if step % 500 == 0 or step == steps:
            snapshot(average, scales, step)


def photos(folder):
    """{name: [1, 3, height, width]}, at half the size so that little of their own noise is left."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        picture = Image.open(path).convert("RGB")
        picture = picture.reduce(2)
        found[os.path.basename(path)] = planes(np.asarray(picture, np.float32)[None] / 255)
    return found


def quality(chain, scales, sets):
    """{set: {sigma: {measure: {precision: value}}}}; the means over a set's pictures."""
    result = {}
    for name, groups in sets.items():
        for sigma in SIGMAS:
            generator = torch.Generator().manual_seed(SEED + 3)
            values = {}
            for truth in groups:
                noisy = gaussian(truth, sigma, generator)
                outputs = {"noisy": noisy}
                for p in PRECISIONS:
                    with torch.no_grad():
                        outputs[p] = run(chain, noisy, p, scales if p == "int8" else None)
                for measure in (psnr, ssim):
                    for key, output in outputs.items():
                        value = measure(output, truth)
                        values.setdefault(measure.__name__, {}).setdefault(key, []).append(value)
            result.setdefault(name, {})[f"sigma{sigma}"] = {
                measure: {key: round(float(np.mean(v)), 2) for key, v in by_key.items()}
                for measure, by_key in values.items()
            }
    return result


def main():
    args = arguments(__doc__, steps=4000)
    fonts = font_files(f"{args.fonts}/train")
    scenes = training_scenes(32 if args.smoke else 640, SCENE, SEED, fonts)
    print(f"train: {len(scenes)} scenes", flush=True)
    batches = calibration(scenes)
    held_out = held_out_scenes(1 if args.smoke else 4, SCENE, SEED + 1)
    held_out = {kind: planes(pictures) for kind, pictures in held_out.items()}
    sets = {"heldOut": list(held_out.values())}
    if args.photos:
        sets["photos"] = list(photos(args.photos).values())
    generator = torch.Generator().manual_seed(SEED + 4)
    known = {
        kind: gaussian(held_out[kind][:1, :, 40 : 40 + height, 60 : 60 + width], 25, generator)
        for kind, height, width in (("cells", 24, 32), ("spheres", 37, 19))
    }

    def snapshot(average, scales, steps):
        chain = frozen(average)
        scales = scales or scales_of(chain, batches)
        measured = {"steps": steps, **quality(chain, scales, sets)}
        print(measured, flush=True)
        publish(args.output, chain, scales, known, measured, **ABOUT)

    train(scenes, batches, args.steps, snapshot)


if __name__ == "__main__":
    main()
