"""Networks of our own, of kinds that neither torchvision nor timm has at a small size."""

import torch
from torch import nn


class LeNet(nn.Module):
    """LeNet-5 on one grey channel of 28 px."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


class ConvMixer(nn.Sequential):
    """ConvMixer-256/8 (Trockman and Kolter, 2022), kernel 9, patch 14."""

    def __init__(self, width=256, depth=8, kernel=9, patch=14, classes=1000):
        def activated(*layers):
            return nn.Sequential(*layers, nn.GELU(), nn.BatchNorm2d(width))

        blocks = [
            nn.Sequential(
                Residual(activated(nn.Conv2d(width, width, kernel, groups=width, padding=kernel // 2))),
                activated(nn.Conv2d(width, width, 1)),
            )
            for _ in range(depth)
        ]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]
        super().__init__(activated(nn.Conv2d(3, width, patch, patch)), *blocks, *head)


class UShaped(nn.Module):
    """A U-shaped network with a classifier: three extents down, up again, and the skips joined."""

    def __init__(self, width=16, classes=10):
        super().__init__()

        def block(before, after):
            convolutions = [[nn.Conv2d(i, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()] for i in (before, after)]
            return nn.Sequential(*convolutions[0], *convolutions[1])

        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.bottom = block(4 * width, 8 * width)
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(8 * width, 4 * width, 2, 2), nn.Upsample(scale_factor=2, mode="nearest"), nn.Upsample(scale_factor=2, mode="bilinear")]
        )
        self.merge = nn.ModuleList([block(8 * width, 4 * width), block(6 * width, 2 * width), block(3 * width, width)])
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for raise_extent, block in zip(self.up, self.merge):
            x = block(torch.cat([raise_extent(x), skips.pop()], 1))
        return self.head(x.mean((2, 3)))
