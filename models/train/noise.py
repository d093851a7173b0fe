"""Noise on pictures [n, 3, height, width], as sensors and files put it there.

Noisy pictures are cut to 0 to 1 and rounded to bytes, as every picture that a page can show.
"""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

STRONGEST = 50 / 255


def as_bytes(pictures):
    return torch.round(pictures.clamp(0, 1) * 255) / 255


def gaussian(pictures, sigma, generator):
    """The same `sigma` (of 255) everywhere: the noise that papers measure with."""
    noise = torch.randn(pictures.shape, generator=generator)
    return as_bytes(pictures + sigma / 255 * noise)


def _through_jpeg(picture, quality):
    data = io.BytesIO()
    pixels = (picture.permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(data, "jpeg", quality=quality)
    return torch.tensor(np.asarray(Image.open(data), np.float32) / 255).permute(2, 0, 1)


def mixed(pictures, generator):
    """Gaussian of any strength; for some also more in the light, blotches, and JPEG on top."""
    n = len(pictures)

    def uniform():
        return torch.rand((n, 1, 1, 1), generator=generator)

    sigma = STRONGEST * uniform()
    shot = (uniform() < 0.25).float()
    deviation = sigma * torch.sqrt(1 - shot + shot * pictures * 2)
    noise = torch.randn(pictures.shape, generator=generator)
    blotches = F.avg_pool2d(noise, 3, 1, 1) * 2
    noise = torch.where(uniform() < 0.12, 0.5 * noise + 0.8 * blotches, noise)
    noisy = as_bytes(pictures + deviation * noise)
    for i in (uniform() < 0.15).flatten().nonzero().flatten():
        quality = int(torch.randint(50, 96, (1,), generator=generator))
        noisy[i] = _through_jpeg(noisy[i], quality)
    return noisy
