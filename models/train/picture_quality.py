"""How near pictures [n, 3, height, width] of range 0 to 1 are to the true ones."""

import torch
import torch.nn.functional as F


def psnr(pictures, truth):
    """Decibels, the mean over pictures."""
    error = ((pictures - truth) ** 2).mean((1, 2, 3)).clamp(min=1e-10)
    return (-10 * torch.log10(error)).mean().item()


def ssim(pictures, truth):
    """Structural similarity (Wang et al. 2004) of the light: Gaussian window 11 wide, sigma 1.5."""
    at = torch.arange(11) - 5.0
    line = torch.exp(-(at**2) / (2 * 1.5**2))
    window = (line[:, None] * line[None] / line.sum() ** 2)[None, None]
    weights = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]
    a, b = ((x * weights).sum(1, keepdim=True) for x in (pictures, truth))
    mean_a, mean_b = F.conv2d(a, window), F.conv2d(b, window)
    var_a = F.conv2d(a * a, window) - mean_a**2
    var_b = F.conv2d(b * b, window) - mean_b**2
    both = F.conv2d(a * b, window) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    bottom = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return (top / bottom).mean().item()
