"""Makes the sample photos from the free images in scikit-image's package.

Inputs: the PyPI package scikit-image 0.26.0, installed; Pillow 13.0.0.
Outputs: photos/*.jpg (quality 92) and photos/SOURCES.md with licences and digests.
"""

import hashlib
import pathlib

import skimage
from PIL import Image

OUT = pathlib.Path(__file__).parent / "photos"
SOURCE = pathlib.Path(skimage.__file__).parent / "data"
PHOTOS = [
    ("cat.jpg", "chelsea.png", "Chelsea the cat", "Stefan van der Walt", "CC0"),
    ("coffee.jpg", "coffee.png", "A cup of espresso", "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0"),
    ("rocket.jpg", "rocket.jpg", "Launch of a Falcon 9 rocket", "SpaceX", "public domain (CC0)"),
    ("astronaut.jpg", "astronaut.png", "Eileen Collins", "NASA", "public domain"),
]

lines = [
    "# Sample photos",
    "",
    f"Made by `samples/make-photos.py` from images in the PyPI package scikit-image {skimage.__version__}.",
    "The classifier has no class for an astronaut: that photo is an example of a weak decision.",
    "",
    "| file | subject | author | licence | file in the package | sha256 |",
    "|---|---|---|---|---|---|",
]
OUT.mkdir(exist_ok=True)
for name, source, subject, author, licence in PHOTOS:
    Image.open(SOURCE / source).convert("RGB").save(OUT / name, quality=92)
    digest = hashlib.sha256((OUT / name).read_bytes()).hexdigest()
    lines.append(f"| `{name}` | {subject} | {author} | {licence} | `skimage/data/{source}` | `{digest}` |")
(OUT / "SOURCES.md").write_text("\n".join(lines) + "\n")
