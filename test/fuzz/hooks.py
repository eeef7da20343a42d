"""Schemathesis hooks that insert existing ids and names into generated requests.

The document has only the form of an id (`^job_...`); responses have the existing ids. Three requests in four use an
existing id, the fourth a generated one.
"""

import atexit
import base64
import json
import os
import random
import re
from collections import Counter

import schemathesis

SEEDS = json.loads(os.environ["UMBRA_FUZZ_SEEDS"])
"""By parameter: ids of resources that must stay, and names that no response returns as an id."""

OWN = SEEDS.pop("operations")
"""By operation: path parameters of resources that are in the state which the operation needs."""

PHOTO = base64.b64decode(SEEDS.pop("photo"))

MAX_POOL = 50
made: dict[str, list[str]] = {}
"""By prefix: ids that requests have made; other requests may pause, cancel and delete them."""

statuses: Counter[tuple[str, int]] = Counter()
chance = random.Random(7)


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    # If this makes an invalid request valid, Schemathesis validates it again and expects success.
    name_path(case)
    name_query(case)
    name_body(case)
    complete(case)


def complete(case):
    """Give valid requests what generation finds by luck alone: the next offset of an upload, a model and a photo."""
    if case.meta is None or case.meta.phase.name.value == "coverage":
        return
    if case.meta.generation.mode.is_negative or chance.random() < 0.25:
        return
    operation = case.operation.definition.raw.get("operationId")
    if operation == "appendArchive":
        case.headers["Upload-Offset"] = "0"
    # Schemathesis cannot validate other bodies again.
    if operation == "explainImage" and case.media_type == "application/octet-stream":
        case.query = {"model": SEEDS["model"][0]}
        case.body = PHOTO


def name_path(case):
    own = OWN.get(case.operation.definition.raw.get("operationId"), [])
    if own and chance.random() < 0.5:
        case.path_parameters.update(chance.choice(own))
        return
    for parameter in case.operation.path_parameters:
        name = parameter.name
        names = known_names(parameter, case)
        if names and chance.random() < 0.75:
            case.path_parameters[name] = chance.choice(names)
        elif case.method.upper() == "DELETE" and case.path_parameters.get(name) in SEEDS.get(name, []):
            # Schemathesis takes names from responses, too.
            case.path_parameters[name] = case.path_parameters[name][:-1] + "_"


def known_names(parameter, case):
    seeds = SEEDS.get(parameter.name, [])
    prefix = re.match(r"\^([a-z]+)_", str(parameter.definition.get("schema", {}).get("pattern", "")))
    others = made.get(prefix[1], []) if prefix else []
    if case.method.upper() == "DELETE":
        # Resources that other requests use must stay.
        return others
    # The event stream of a running job lasts as long as the job.
    return seeds if is_stream(case.operation) else seeds + others


def is_stream(operation):
    responses = operation.definition.raw.get("responses", {}).values()
    return any("text/event-stream" in response.get("content", {}) for response in responses)


def name_query(case):
    # In the coverage phase numbers are text already, and the second validation would count them as invalid.
    if case.meta and case.meta.phase.name.value == "coverage":
        return
    for name in case.query:
        if name in SEEDS and chance.random() < 0.75:
            case.query[name] = chance.choice(SEEDS[name])
    if "dryRun" in case.query and chance.random() < 0.5:
        del case.query["dryRun"]


def name_body(case):
    body = case.body
    is_wrong = case.meta is not None and case.meta.generation.mode.is_negative
    if not isinstance(body, dict):
        return
    if case.media_type == "multipart/form-data":
        # Schemathesis cannot validate its files again.
        return
    # A test must not post to outside addresses.
    body.pop("webhook", None)
    region = body.get("of")
    if isinstance(region, dict) and region.get("kind") == "region" and not is_wrong:
        # No generated class is one of the report's, and few numbers are the edges of a region.
        region["class"] = SEEDS["class"][0]
        region["region"] = {"top": 0, "left": 0, "bottom": 0.5, "right": 0.5}
    if chance.random() < 0.75:
        for name in ("dataset", "model"):
            if isinstance(body.get(name), str) and SEEDS.get(name):
                body[name] = SEEDS[name][0]
        if not is_wrong:
            # Few generated settings are consistent and fit the model.
            body.pop("settings", None)


@schemathesis.hook
def after_call(context, case, response):
    # Not a request of another method, which the coverage phase makes.
    label = case.operation.label if case.method.upper() == case.operation.method.upper() else f"{case.method} (undeclared)"
    statuses[label, response.status_code] += 1
    if case.method.upper() == "DELETE" and response.status_code == 204:
        deleted = case.path_parameters.values()
        for prefix, pool in made.items():
            made[prefix] = [name for name in pool if name not in deleted]
    if response.status_code not in (201, 202):
        return
    try:
        identity = response.json().get("id")
    except (ValueError, AttributeError):
        return
    if isinstance(identity, str) and "_" in identity:
        pool = made.setdefault(identity.split("_")[0], [])
        pool.append(identity)
        del pool[:-MAX_POOL]


@atexit.register
def print_counts():
    for operation in sorted({label for label, _ in statuses}):
        own = sorted((status, count) for (label, status), count in statuses.items() if label == operation)
        print(f"{operation:60} {', '.join(f'{status}: {count}' for status, count in own)}")
    print(f"Requests: {statuses.total()}")
    # For check-api.mjs: operations that never did anything.
    for operation in sorted({label for label, _ in statuses}):
        if "undeclared" not in operation and not any(label == operation and status < 400 for label, status in statuses):
            print(f"Never succeeded: {operation}")
