"""The kinds of pictures that the denoiser is trained on. See scenes_held_out.py for the others."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from painting import SUPERSAMPLING, Areas, colours, filled, fractal, reduced, slope_light, softened

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-"


def _blob(centre, radius, rng):
    """A closed outline [n, 2]: an ellipse, a box or a triangle in any direction, a bumpy circle."""
    kind = rng.choice(["ellipse", "box", "triangle", "bumps"])
    corners = {"ellipse": 20, "box": 4, "triangle": 3, "bumps": 24}[kind]
    angle = np.arange(corners) / corners * 2 * np.pi + np.pi / 4
    r = np.full(corners, radius)
    if kind == "bumps":
        for wave in (2, 3, 5):
            r *= 1 + rng.uniform(0, 0.3) * np.sin(wave * angle + rng.uniform(0, 6.3))
    points = np.stack([r * np.cos(angle), r * np.sin(angle) * rng.uniform(0.2, 1)], 1)
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    return points @ np.array([[c, s], [-s, c]]) + centre


def _power_law(low, high, count, rng):
    """Radii with density r ** -3, which makes pictures alike at every scale."""
    u = rng.random(count)
    return (low**-2 + u * (high**-2 - low**-2)) ** -0.5


def leaves(size, rng):
    """Dead leaves: shapes of every size that cover each other."""
    areas = Areas(size)
    low = np.exp(rng.uniform(np.log(2.5), np.log(40)))
    count = int(min(5000, 3.0 * (size / low) ** 2 / np.log(size / low)))
    for radius in _power_law(low, size / 2, count, rng):
        outline = _blob(rng.uniform(-0.1, 1.1, 2) * size, radius, rng)
        areas.draw.polygon([tuple(p) for p in outline], fill=areas.next())
    return areas.painted(rng)


def clouds(size, rng):
    """Fractal noise in two or three colours."""
    field = fractal(size, rng.uniform(0.8, 2.0), rng)
    light, mix = field, fractal(size, rng.uniform(1.0, 2.2), rng)
    first, second, third = colours(3, rng)
    t = 1 / (1 + np.exp(-rng.uniform(1, 4) * mix))[..., None]
    picture = first * t + second * (1 - t)
    return picture + rng.uniform(0.03, 0.25) * light[..., None] * (0.5 + third)


def shading(size, rng):
    """Few large shapes without texture: walls, skies, skin."""
    areas = Areas(size)
    for _ in range(rng.integers(1, 10)):
        outline = _blob(rng.uniform(0, 1, 2) * size, rng.uniform(0.05, 0.6) * size, rng)
        areas.draw.polygon([tuple(p) for p in outline], fill=areas.next())
    for _ in range(rng.integers(0, 8)):
        ends = [tuple(p) for p in rng.uniform(0, 1, (2, 2)) * size]
        areas.draw.line(ends, fill=areas.next(), width=int(rng.integers(1, 9)))
    picture = areas.painted(rng, contrast=rng.choice([0, 0.02]))
    vignette = rng.uniform(0, 0.4) * slope_light(size, rng)
    return picture * (1 + vignette[..., None])


def strands(size, rng):
    """Hair, grass, wires: many curved lines over each other."""
    areas = Areas(size)
    main, spread = rng.uniform(0, np.pi), rng.uniform(0.05, 1.5)
    length, width = size * rng.uniform(0.1, 0.6), rng.uniform(1, 7)
    t = np.linspace(0, 1, 8)[:, None]
    for _ in range(int(min(1500, 25 * size / width))):
        a = rng.uniform(-0.1, 1.1, 2) * size
        angle = main + rng.normal(0, spread)
        b = a + length * np.array([np.cos(angle), np.sin(angle)])
        bend = (a + b) / 2 + rng.normal(0, 0.15, 2) * length
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * bend + t**2 * b
        pen = max(1, int(rng.normal(width, width / 3)))
        areas.draw.line([tuple(p) for p in curve], fill=areas.next(), width=pen)
    return areas.painted(rng, contrast=0.03)


def words(size, rng, fonts):
    """Lines of letters on a plain or shaded ground."""
    mask = Image.new("L", (size, size))
    draw = ImageDraw.Draw(mask)
    y = rng.integers(-20, 10)
    while y < size:
        height = int(np.exp(rng.uniform(np.log(18), np.log(90))))
        font = ImageFont.truetype(fonts[rng.integers(len(fonts))], height)
        text = "".join(rng.choice(list(LETTERS + " " * 10), 40))
        draw.text((int(rng.integers(-30, 10)), int(y)), text, 255, font)
        y += int(height * rng.uniform(1.0, 1.5))
    ground, ink = (np.zeros((size, size), np.int64) for _ in range(2))
    quiet = rng.choice([0, 0.02, 0.1])
    ground, ink = filled(ground, 1, rng, quiet), filled(ink, 1, rng, quiet)
    t = np.asarray(mask, np.float32)[..., None] / 255
    return ground * (1 - t) + ink * t


KINDS = [leaves, leaves, leaves, leaves, clouds, shading, strands, words]


def training_scenes(count, size, seed, fonts):
    """`count` pictures [count, size, size, 3]."""
    rng = np.random.default_rng(seed)
    scenes = []
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        more = [fonts] if kind is words else []
        picture = reduced(kind(size * SUPERSAMPLING, rng, *more))
        scenes.append(softened(picture, rng))
    return np.stack(scenes)
