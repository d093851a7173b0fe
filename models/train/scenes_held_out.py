"""Kinds of pictures that training never sees: what the denoiser is measured on."""

import numpy as np

from painting import SUPERSAMPLING, colours, coordinates, filled, fractal, reduced


def cells(size, rng):
    """A Voronoi diagram with borders, as of stones or skin."""
    points = rng.uniform(0, size, (rng.integers(20, 150), 2))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    nearest, second = np.full((2, size, size), np.inf, np.float32)
    number = np.zeros((size, size), np.int64)
    for i, (py, px) in enumerate(points):
        distance = np.hypot(y - py, x - px)
        second = np.minimum(second, np.maximum(nearest, distance))
        number[distance < nearest] = i
        nearest = np.minimum(nearest, distance)
    border = np.clip((second - nearest) / rng.uniform(3, 12), 0.3, 1)
    return filled(number, len(points), rng) * border[..., None]


def marble(size, rng):
    """Waves whose phase is warped: wood and stone."""
    y, x = coordinates(size)
    warp = fractal(size, 1.8, rng) * rng.uniform(0.5, 3)
    phase = rng.uniform(4, 40) * np.hypot(x + rng.uniform(-2, 2), y + rng.uniform(-2, 2)) + warp
    vein = (0.5 + 0.5 * np.sin(phase))[..., None] ** rng.uniform(0.5, 3)
    light, dark = colours(2, rng)
    grain = 0.03 * fractal(size, 0.8, rng)[..., None]
    return light * vein + dark * (1 - vein) + grain


def spheres(size, rng):
    """Shiny balls above a chequered floor that goes to the horizon."""
    y, x = coordinates(size)
    horizon = rng.uniform(-0.5, 0)
    depth = 1 / np.maximum(y - horizon, 1e-3) + 0 * x
    chequer = (np.floor(depth * 2) + np.floor(x * depth * 2)) % 2
    sky, first, second, *balls = colours(13, rng)
    floor = np.where(chequer[..., None] > 0, first, second)
    far = np.clip(1 - (y - horizon) / 0.25, 0, 1)[..., None] + 0 * floor
    floor = floor * (1 - far) + (first + second) / 2 * far
    height = np.clip((horizon - y) / (1 + horizon), 0, 1)[..., None]
    picture = np.where((y > horizon)[..., None], floor, sky * (1 - 0.5 * height))
    light = np.array([-0.5, -0.6, 0.62])
    for colour in balls:
        radius = rng.uniform(0.08, 0.35)
        u, v = (x - rng.uniform(-1, 1)) / radius, (y - rng.uniform(horizon, 1)) / radius
        inside = u**2 + v**2 < 1
        w = np.sqrt(np.maximum(1 - u**2 - v**2, 0))
        lit = np.clip(light[0] * u + light[1] * v + light[2] * w, 0, 1)[..., None]
        ball = colour * (0.15 + 0.85 * lit) + 0.7 * lit**30
        picture = np.where(inside[..., None], ball, picture)
    return picture


def ridges(size, rng):
    """Mountains behind each other in haze, the nearest with rough ground."""
    y = np.arange(size)[:, None]
    sky, haze, rock = colours(3, rng)
    picture = haze + (sky - haze) * (1 - y / size)[..., None] + np.zeros((size, size, 1))
    layers = rng.integers(3, 7)
    for layer in range(layers):
        near = (layer + 1) / layers
        line = fractal(size, 1.2, rng)[0] * size * 0.05 * near + size * (0.25 + 0.6 * near)
        ground = haze + (rock - haze) * near
        rough = 0.12 * near * fractal(size, 0.9, rng)[..., None]
        picture = np.where((y > line)[..., None], ground + rough, picture)
    return picture


KINDS = {"cells": cells, "marble": marble, "spheres": spheres, "ridges": ridges}


def held_out_scenes(count, size, seed):
    """{kind: pictures [count, size, size, 3]}."""
    rng = np.random.default_rng(seed)
    return {
        name: np.stack([reduced(kind(size * SUPERSAMPLING, rng)) for _ in range(count)])
        for name, kind in KINDS.items()
    }
