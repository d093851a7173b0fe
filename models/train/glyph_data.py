"""Pictures of glyphs, 32 x 32, ink 1 on 0: drawn with a finger (simulated), or from a font.

All are normalised as the page does: the longer side of the ink's box is 24 pixels, centred.
"""

import glob
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from glyph_strokes import CLASSES, drawn_skeleton, hershey_skeletons

SIZE = 32
BOX = 24
SEGMENTS = 40
MASTER = 64


def _warp(strokes, rng):
    """Slant, rotation, aspect and a slow wave, as between writers and within a line."""
    angle, slant = rng.normal(0, 0.09), rng.normal(0, 0.15)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, -s], [s, c]]) @ np.array([[rng.uniform(0.5, 1.15), slant], [0, 1]])
    phase, size = rng.uniform(0, 6.3, 2), rng.uniform(0, 0.05, 2)
    rate = rng.uniform(2, 6, 2)
    everything = np.vstack(strokes)
    centre, extent = everything.mean(0), np.ptp(everything, axis=0).max() + 1e-6
    warped = []
    for stroke in strokes:
        p = (stroke - centre) / extent @ matrix.T
        warped.append(p + size * np.sin(rate * p[:, ::-1] + phase))
    return warped


def _resample(strokes, rng):
    """The strokes as SEGMENTS line segments [SEGMENTS, 4] with the hand's tremor."""
    lengths = np.array([np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in strokes]) + 1e-3
    counts = np.maximum(1, np.floor(lengths / lengths.sum() * SEGMENTS)).astype(int)
    counts[counts.argmax()] += SEGMENTS - counts.sum()
    tremor = rng.uniform(0, 0.012)
    segments = []
    for stroke, count in zip(strokes, counts):
        at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
        where = np.linspace(0, at[-1], count + 1)
        points = np.stack([np.interp(where, at, stroke[:, axis]) for axis in (0, 1)], 1)
        points += rng.normal(0, tremor, points.shape)
        segments.append(np.hstack([points[:-1], points[1:]]))
    return np.vstack(segments)


def _place(segments, width):
    """Scales segments so that the ink with its width fills the box in the middle."""
    points = segments.reshape(-1, 2)
    low, high = points.min(0), points.max(0)
    scale = (BOX - width) / max((high - low).max(), 1e-6)
    return ((points - (low + high) / 2) * scale + SIZE / 2).reshape(segments.shape)


def rasterise(segments, widths, chunk=64):
    """Segments [n, SEGMENTS, 4] in pixels as pictures [n, 1, SIZE, SIZE], edges smoothed."""
    centre = torch.arange(SIZE) + 0.5
    y, x = torch.meshgrid(centre, centre, indexing="ij")
    pixels = torch.stack([x, y], -1).reshape(1, -1, 1, 2)
    pictures = []
    for part, width in zip(segments.split(chunk), widths.split(chunk)):
        a, b = part[:, None, :, :2], part[:, None, :, 2:]
        along = b - a
        t = ((pixels - a) * along).sum(-1) / (along**2).sum(-1).clamp(min=1e-9)
        distance = ((pixels - a - t.clamp(0, 1)[..., None] * along) ** 2).sum(-1).amin(-1).sqrt()
        ink = (width[:, None] / 2 - distance + 0.5).clamp(0, 1)
        pictures.append(ink.reshape(-1, 1, SIZE, SIZE))
    return torch.cat(pictures)


def drawings(count, seed, hershey=None):
    """`count` simulated drawings: from SKELETONS, or from Hershey fonts (files)."""
    rng = np.random.default_rng(seed)
    sets = [hershey_skeletons(path) for path in hershey] if hershey else None
    labels = np.arange(count) % len(CLASSES)
    widths = rng.uniform(1.4, 5.0, count)
    segments = []
    for label, width in zip(labels, widths):
        character = CLASSES[label]
        if sets:
            strokes = sets[rng.integers(len(sets))][character]
        else:
            strokes = drawn_skeleton(character, rng)
        segments.append(_place(_resample(_warp(strokes, rng), rng), width))
    pictures = rasterise(
        torch.tensor(np.array(segments), dtype=torch.float32),
        torch.tensor(widths, dtype=torch.float32),
    )
    return pictures, torch.tensor(labels)


def normalised(picture):
    """A PIL picture (mode L, ink white) as the page would hand it over; None without ink."""
    box = picture.getbbox()
    if box is None:
        return None
    ink = picture.crop(box)
    scale = BOX / max(ink.size)
    size = [max(1, round(side * scale)) for side in ink.size]
    canvas = Image.new("L", (SIZE, SIZE))
    canvas.paste(
        ink.resize(size, Image.BOX if scale < 1 else Image.BILINEAR),
        ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2),
    )
    return canvas


def font_files(*folders):
    """Every outline font of the packages in `folders` that has the plain shapes of letters."""
    files = [
        os.path.join(folder, file)
        for folder in folders
        for kind in ("ttf", "otf")
        for file in glob.glob(f"**/*.{kind}", root_dir=folder, recursive=True)
    ]
    # By package, wherever it lies.
    files.sort(key=lambda file: next(
        os.path.relpath(file, folder) for folder in folders if file.startswith(f"{folder}/")
    ))
    # Symbols, and faces whose capitals are drawings of something else.
    unfit = ("symbol", "dingbat", "icons", "ornament", "outline", "tamil")
    # Links of unpacked packages may lead nowhere.
    files = [f for f in files if os.path.isfile(f)]
    return [f for f in files if not any(word in os.path.basename(f).lower() for word in unfit)]


def font_glyphs(*folders):
    """All glyphs of all fonts in `folders`: pictures [n, 1, 32, 32], labels, names of fonts."""
    pictures, labels, names = [], [], []
    for path in font_files(*folders):
        font = ImageFont.truetype(path, MASTER * 2)
        missing = font.getmask("\uffff").getbbox(), bytes(font.getmask("\uffff"))
        for label, character in enumerate(CLASSES):
            mask = font.getmask(character)
            if (mask.getbbox(), bytes(mask)) == missing:
                continue
            picture = Image.new("L", (MASTER * 4, MASTER * 4))
            ImageDraw.Draw(picture).text((MASTER, MASTER // 2), character, 255, font)
            picture = normalised(picture)
            if picture is not None:
                pictures.append(np.asarray(picture, np.float32) / 255)
                labels.append(label)
                names.append(os.path.basename(path))
    return torch.tensor(np.array(pictures))[:, None], torch.tensor(labels), names


def augmented(pictures, generator):
    """Rotation, slant, aspect, size, place, elastic warp, pen width, blur and noise."""
    n = len(pictures)

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    angle, slant = 0.12 * normal(n), 0.12 * normal(n)
    size, aspect = 1 + 0.07 * normal(n), 1 + 0.1 * normal(n)
    c, s = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack([c * size * aspect, (slant - s) * size, 0.05 * normal(n)], 1),
            torch.stack([s * size, c * size, 0.05 * normal(n)], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [n, 1, SIZE, SIZE], align_corners=False)
    waves = F.interpolate(normal(n, 2, 4, 4), size=(SIZE, SIZE), mode="bicubic")
    strength = 0.05 * torch.rand((n, 1, 1, 1), generator=generator)
    grid = grid + (waves * strength).permute(0, 2, 3, 1)
    x = F.grid_sample(pictures, grid, align_corners=False)
    pen = torch.rand((n, 1, 1, 1), generator=generator)
    thick, thin = F.max_pool2d(x, 3, 1, 1), -F.max_pool2d(-x, (2, 2), 1, 1)[..., :SIZE, :SIZE]
    thin = torch.maximum(thin, 0.35 * x)
    x = torch.where(pen < 0.2, thick, torch.where(pen > 0.85, thin, x))
    blurred = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    mix = 0.7 * torch.rand((n, 1, 1, 1), generator=generator)
    x = x * (1 - mix) + blurred * mix
    noisy = (torch.rand((n, 1, 1, 1), generator=generator) < 0.4) * 0.08
    return (x + noisy * normal(*x.shape)).clamp(0, 1)
