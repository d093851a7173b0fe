"""What both trainings share: their arguments, the rate and the average of weights."""

import argparse
import math

import torch


def arguments(usage, steps):
    parser = argparse.ArgumentParser(
        description=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fonts", help="folder with train/ and heldOut/ font packages")
    parser.add_argument("output", help="folder for the .onnx files and the manifest")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--smoke", action="store_true", help="little data: does it run?")
    parser.add_argument("--photos", help="folder of photos to measure with (denoise)")
    args = parser.parse_args()
    # One thread: sums are in the same order on every machine with this torch.
    torch.set_num_threads(1)
    return args


def falling_rate(highest, step, steps):
    """Half a cosine wave, from `highest` down to 0."""
    return highest * (0.5 + 0.5 * math.cos(math.pi * step / (steps + 1)))


def running_average(average, value, count):
    """Over about the last 100 steps, over all of them at the beginning."""
    if not value.is_floating_point():
        return value
    return average + (value - average) / min(int(count) + 1, 100)
