"""Skeletons of digits and capitals, as a hand draws them, and of the Hershey stroke fonts.

A skeleton is a list of strokes; a stroke is an array [points, 2] of x to the right, y down.
"""

import numpy as np

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Pairs that no one tells apart without the letters around them.
LOOK_ALIKES = [("0", "O"), ("1", "I")]

# Points are two digits of a 10 x 10 grid (A is 10), '/' separates strokes, '~' marks a curve.
SKELETONS = {
    "0": ["~50 13 17 5A 97 93 50", "~50 13 17 5A 97 93 50/81 29"],
    "1": ["50 5A", "22 50 5A", "13 50 5A/1A 9A"],
    "2": ["~13 41 70 93 76 1A/1A 9A", "~12 40 80 93 66 1A 9A", "~13 30 80 84 4A 19 39 9A"],
    "3": ["~12 40 80 93 54/~54 96 99 5A 18", "10 90 44/~44 86 99 5A 18", "~11 60 93 45 98 6A 19"],
    "4": ["20 16 96/70 7A", "7A 70 06 A6", "30 06 A6/63 6A"],
    "5": ["90 20 15/~15 54 96 69 4A 19", "20 14/~14 54 95 89 4A 09/20 90", "~90 20 15 64 96 69 19"],
    "6": ["~80 41 16 29 5A 89 87 65 35 17", "~70 25 18 5A 98 75 46 17", "~60 22 18 4A 89 76 26"],
    "7": ["00 90 3A", "00 90 4A/25 85", "03 00 90 3A", "~01 40 90 55 3A"],
    "8": ["~82 50 22 55 88 5A 28 55 82", "~50 22 55 82 50/~55 17 5A 97 55"],
    "9": ["~82 50 12 25 55 82/82 7A", "~82 50 12 25 55 82/~82 86 6A 2A", "~82 40 13 45 82 5A"],
    "A": ["0A 50 AA/26 86", "~1A 14 50 94 9A/16 96", "0A 50/50 AA/27 87"],
    "B": ["10 1A/~10 70 92 65 15/~15 85 98 7A 1A", "~1A 10 80 83 45 88 7A 1A"],
    "C": ["~92 60 22 15 28 6A 98", "~90 30 05 3A 9A", "~91 40 12 18 5A 99"],
    "D": ["10 1A/~10 70 95 7A 1A", "~1A 10 60 95 6A 1A"],
    "E": ["90 10 1A 9A/15 75", "10 1A/10 90/15 75/1A 9A", "~91 50 12 35 65/~35 18 5A 99"],
    "F": ["90 10 1A/15 75", "10 1A/10 90/15 75"],
    "G": ["~92 60 22 15 28 6A 98 96/96 66", "~91 50 12 18 5A 98/98 95 55", "~91 40 15 4A 97/67 97 9A"],
    "H": ["10 1A/90 9A/15 95", "10 1A/15 95/90 9A"],
    "I": ["50 5A", "20 80/50 5A/2A 8A", "30 70/50 5A/3A 7A"],
    "J": ["70 77/~77 6A 3A 17", "40 A0/70 77/~77 6A 3A 17", "~80 77 5A 28 17"],
    "K": ["10 1A/90 15 9A", "10 1A/90 15/44 9A", "10 1A/80 25 8A"],
    "L": ["10 1A 9A", "20 1A 8A", "~20 18 2A 9A"],
    "M": ["0A 00 56 A0 AA", "0A 20 57 80 AA", "0A 00/00 5A A0/A0 AA"],
    "N": ["1A 10 9A 90", "1A 10/10 9A/9A 90"],
    "O": ["~50 12 05 18 5A 98 A5 92 50", "~60 22 07 4A 98 93 60"],
    "P": ["10 1A/~10 80 93 76 16", "~1A 10 70 93 65 15"],
    "Q": ["~50 12 05 18 5A 98 A5 92 50/66 AA", "~50 13 17 5A 97 93 50/77 9A"],
    "R": ["10 1A/~10 80 92 75 15/45 9A", "~1A 10 80 83 55 15/45 9A"],
    "S": ["~91 50 12 24 55 86 98 5A 09", "~90 40 13 55 87 6A 0A"],
    "T": ["00 A0/50 5A", "10 90/50 5A"],
    "U": ["~10 17 4A 6A 97 90", "~10 17 5A 97 90/90 9A", "10 16/~16 3A 7A 96/96 90"],
    "V": ["00 5A A0", "~00 28 5A 78 A0"],
    "W": ["00 2A 53 8A A0", "~00 28 4A 53 6A 88 A0", "00 3A 50 7A A0"],
    "X": ["00 AA/A0 0A", "~10 33 77 9A/90 1A"],
    "Y": ["00 55 A0/55 5A", "00 55/A0 2A", "~10 24 55 94/90 8A"],
    "Z": ["00 A0 0A AA", "00 A0 0A AA/25 85", "~01 40 90 44 0A 6A AA"],
}


def _curve(points, steps=6):
    """Catmull-Rom spline through `points`."""
    closed = np.allclose(points[0], points[-1])
    first = points[-2] if closed else 2 * points[0] - points[1]
    last = points[1] if closed else 2 * points[-1] - points[-2]
    p = np.vstack([first, points, last])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:]):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                   + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.vstack([*parts, points[-1:]])


def drawn_skeleton(character, rng):
    """One way to draw `character`, its points moved a little as each hand does."""
    variants = SKELETONS[character]
    text = variants[rng.integers(len(variants))]
    moved = {}
    spread = rng.uniform(0.1, 0.7)
    strokes = []
    for stroke in text.split("/"):
        points = []
        for name in stroke.lstrip("~").split():
            if name not in moved:
                moved[name] = np.array([int(c, 16) for c in name]) + rng.normal(0, spread, 2)
            points.append(moved[name])
        points = np.array(points)
        if stroke.startswith("~") or (len(points) > 2 and rng.random() < 0.15):
            points = _curve(points)
        strokes.append(points)
    return strokes


def hershey_skeletons(path):
    """Reads a .jhf file: {character: strokes} for CLASSES."""
    lines = []
    for line in open(path, encoding="latin-1").read().splitlines():
        if lines and len(lines[-1]) < 8 + 2 * int(lines[-1][5:8]):
            lines[-1] += line
        else:
            lines.append(line)
    skeletons = {}
    for code, line in enumerate(lines, start=32):
        if chr(code) not in CLASSES:
            continue
        pairs = [line[i : i + 2] for i in range(10, len(line) - 1, 2)]
        strokes = [[]]
        for pair in pairs:
            if pair == " R":
                strokes.append([])
            else:
                strokes[-1].append([ord(pair[0]) - ord("R"), ord(pair[1]) - ord("R")])
        skeletons[chr(code)] = [np.array(s, float) for s in strokes if len(s) > 1]
    return skeletons
