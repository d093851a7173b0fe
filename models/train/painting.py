"""What made pictures are painted with: colours, fractal noise, flat areas with texture.

Pictures are float32 arrays [height, width, 3], 0 to 1. Painting is done at twice the size, `reduced`
then averages 2 x 2 pixels, which smooths the edges.
"""

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 2


def reduced(picture):
    height, width = (side // SUPERSAMPLING for side in picture.shape[:2])
    blocks = picture.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3)
    return np.clip(blocks.mean((1, 3)), 0, 1).astype(np.float32)


def softened(picture, rng):
    """Half of the pictures as through a lens that is not quite sharp."""
    if rng.random() < 0.5:
        return picture
    side = rng.uniform(0, 0.25)
    for axis in (0, 1):
        beside = np.roll(picture, 1, axis) + np.roll(picture, -1, axis)
        picture = (1 - 2 * side) * picture + side * beside
    return picture.astype(np.float32)


def colours(count, rng):
    """[count, 3]: a few tones of low saturation and their neighbours, as a photo has."""
    tones = rng.uniform(0, 1, (rng.integers(2, 7), 1)) + rng.normal(0, 0.07, (1, 3))
    tones = tones + rng.normal(0, rng.uniform(0.02, 0.15), (len(tones), 3))
    spread = rng.uniform(0.02, 0.2)
    picked = tones[rng.integers(len(tones), size=count)]
    light = rng.normal(0, spread, (count, 1))
    return np.clip(picked + light + rng.normal(0, spread / 4, (count, 3)), 0, 1)


def fractal(size, slope, rng):
    """Noise [size, size] whose amplitudes fall as 1 / frequency ** slope; mean 0, deviation 1."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    # Some fields have a grain: one direction is stretched.
    stretch = rng.choice([1, 1, 1, 3, 8])
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * fx + np.sin(angle) * fy
    across = np.cos(angle) * fy - np.sin(angle) * fx
    frequency = np.sqrt((along * stretch) ** 2 + across**2)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) / frequency**slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (size, size))
    return field / field.std()


def coordinates(size):
    """y and x, -1 to 1."""
    line = np.linspace(-1, 1, size)
    return line[:, None], line[None]


def slope_light(size, rng):
    """A linear change of light across the picture."""
    y, x = coordinates(size)
    angle = rng.uniform(0, 2 * np.pi)
    return np.cos(angle) * x + np.sin(angle) * y


def texture(size, rng):
    """[size, size]: fractal noise or waves, deviation about 1."""
    if rng.random() < 0.75:
        return fractal(size, rng.uniform(0.3, 2.0), rng)
    y, x = coordinates(size)
    angle, rate = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(10), np.log(size)))
    phase = rate * (np.cos(angle) * x + np.sin(angle) * y) + 0.5 * fractal(size, 2.0, rng)
    waves = np.sin(phase)
    return np.sign(waves) if rng.random() < 0.3 else waves * 1.4


class Areas:
    """Draws shapes on top of each other; each gets a colour, a gradient and a texture at the end."""

    def __init__(self, size):
        self.size, self.count = size, 1
        self.map = Image.new("RGB", (size, size))
        self.draw = ImageDraw.Draw(self.map)

    def next(self):
        """The ink for the next shape."""
        self.count += 1
        number = self.count - 1
        return number & 255, number >> 8 & 255, number >> 16

    def numbers(self):
        bytes_ = np.asarray(self.map, np.int64)
        return bytes_[..., 0] | bytes_[..., 1] << 8 | bytes_[..., 2] << 16

    def painted(self, rng, contrast=0.12):
        return filled(self.numbers(), self.count, rng, contrast)


def filled(numbers, count, rng, contrast=0.12):
    """A picture from a map [size, size] of area numbers below `count`."""
    size = len(numbers)
    base = colours(count, rng)
    light = rng.normal(0, 0.15, count) * (rng.random(count) < 0.6)
    picture = base[numbers] + (light[numbers] * slope_light(size, rng))[..., None]
    for _ in range(2):
        strength = np.abs(rng.normal(0, contrast, count)) * (rng.random(count) < 0.5)
        tint = 1 + rng.normal(0, 0.15, 3)
        picture += (strength[numbers] * texture(size, rng))[..., None] * tint
    return np.clip(picture, 0, 1)
