"""Holds reports against what was planted: is its cluster first, which images does it name, does the trial find the effect?

Inputs: the variants' folders that make.py wrote (--planted), a service that has their models (UMBRA_API_URL,
    UMBRA_API_KEY: check.mjs starts one), how many of the images of each (--images),
    and of `none` (--pool), --out; PATCH and STRIDE, px, of the environment.
Outputs: a file with a JSON object, by variant. Of a planted one:
    place       of the first cluster of the class that carries the shortcut, among all clusters; 1 is the first, null where
                the class has none, and nothing of what follows is known
    clusters    of all classes
    precision   the share that has the shortcut of the cluster's first 50, 100 and of all its images
    recall      the share of the images with the shortcut that the cluster has, of those whose patches were clustered
    significant classes whose evidence off the object, or in the border, is significant
    trial       what was measured on the same network: the arms, and what they do beyond their controls, with intervals of 95 %
    retrained   what make.py measured by training again
    agrees      whether the effect of the shortcut on others, as retraining tells it, is within the trial's interval
Of `none`: the classes that are significant among all images of the pool.
"""

import argparse
import io
import json
import os
import pathlib
import sys

import make
import pandas
from umbra_client import Client, Photo

SETTINGS = {"patch": int(os.environ.get("PATCH", "12")), "stride": int(os.environ.get("STRIDE", "4"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--planted", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--pool", type=int, default=20_000)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    with Client() as client:
        found = {
            variant: check_none(client, given) if variant == "none" else check(client, given.planted / variant, given.images)
            for variant in given.variants
        }
    given.out.write_text(json.dumps(found))


def check(client, folder, images):
    truth = json.loads((folder / "truth.json").read_text())
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()][:images]
    photos = [Photo(folder / "images" / line["name"], line["name"], line["label"], line["box"]) for line in lines]
    job = client.submit(photos, f"planted-{truth['variant']}", SETTINGS, labels=None, outputs=[]).wait()
    report = job.report(groupBy="label", patches=5_000, checkedImages=0)
    own = [place for place, one in enumerate(report.clusters) if one["class"]["label"] == truth["class"]]
    found = {"images": len(photos), "clusters": len(report.clusters), "place": own[0] + 1 if own else None}
    step(f"{truth['variant']}: cluster {found['place']} of {found['clusters']} is the first of '{truth['class']}'")
    if not own:
        return found
    cluster = report.clusters[own[0]]
    trial = job.trial(cluster["id"])["result"]
    carriers = set(truth["carriers"])
    named = [base(member["name"]) in carriers for member in cluster["members"]]
    return {
        **found,
        "first": report.clusters[0]["class"]["label"],
        "precision": {str(k): share(named[:k]) for k in (50, 100)} | members_of(report, cluster, carriers),
        "significant": {one.label: places(one) for one in report.classes if one.is_suspicious},
        "trial": {arm: trial[arm] for arm in trial},
        "retrained": truth["effects"],
        "agrees": agreement(trial, truth["effects"]),
    }


def members_of(report, cluster, carriers):
    """Of all members, as the table lists them: the report itself lists 200."""
    path = pathlib.Path("members.parquet")
    table = pandas.read_parquet(io.BytesIO(report.parquet(path).read_bytes()))
    path.unlink()
    clustered = table[table["cluster"].notna()]
    has = clustered["name"].map(base).isin(carriers)
    inside = clustered["cluster"] == cluster["id"]
    return {"all": share(has[inside]), "members": int(inside.sum()), "recall": share(inside[has])}


def agreement(trial, effects):
    """Accuracy that others lose by the shortcut, as retraining tells it and as the trial does."""
    if trial["pasteEffect"] is None:
        return None
    measured = trial["pasteEffect"]["right"]
    return {
        "retrained": round(effects["put"], 4),
        "trial": {end: round(measured[end], 4) for end in ("mean", "low", "high")},
        "within": measured["low"] <= effects["put"] <= measured["high"],
    }


def check_none(client, given):
    """The job whose evidence check.mjs draws the runs from, of images that the network has not seen."""
    scenes = [make.Scene(50_000, index) for index in range(given.pool)]
    # The picture first: drawing it finds the box.
    drawn = [(scene.draw("none", False), scene) for scene in scenes]
    photos = [Photo(pixels, scene.name, make.SHAPES[scene.label], scene.box) for pixels, scene in drawn]
    job = client.submit(photos, "planted-none", SETTINGS, labels=None, outputs=[]).wait()
    report = job.report(groupBy="label", patches=0, checkedImages=0)
    significant = {one.label: places(one) for one in report.classes if one.is_suspicious}
    return {"job": job.id, "images": len(photos), "significant": significant}


def places(one):
    """Where evidence is significant: its share, the area's, and the adjusted p."""
    return {
        place: {"share": one.data[place]["share"], "area": one.data[place]["area"], "p": one.data[place]["adjusted"]}
        for place in ("offObject", "border")
        if one.data[place] is not None and one.data[place]["isSignificant"]
    }


def base(name):
    return name.rpartition("/")[2]


def share(flags):
    return round(float(sum(flags)) / len(flags), 4) if len(flags) > 0 else None


def step(message):
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
