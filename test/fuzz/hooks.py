"""Names of existing resources, which Schemathesis cannot generate.

The document gives the pattern of an id (`^job_...`), and answers give existing ones. Three requests in
four use an existing id; the fourth uses a generated one.
"""

import atexit
import json
import os
import random
import re
from collections import Counter

import schemathesis

SEEDS = json.loads(os.environ["UMBRA_FUZZ_SEEDS"])
"""Ids of resources that must stay, and names that no answer gives as an id, by parameter."""

LARGEST_POOL = 50
made: dict[str, list[str]] = {}
"""Ids of resources that requests created, which others may pause, cancel and delete, by prefix."""

statuses: Counter[tuple[str, int]] = Counter()
chance = random.Random(7)


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    # What is meant to be wrong and becomes right thereby is held to that: Schemathesis looks again.
    name_path(case)
    name_query(case)
    name_body(case)


def name_path(case):
    for parameter in case.operation.path_parameters:
        name = parameter.name
        names = known_names(parameter, case)
        if names and chance.random() < 0.75:
            case.path_parameters[name] = chance.choice(names)
        elif case.method.upper() == "DELETE" and case.path_parameters.get(name) in SEEDS.get(name, []):
            # Schemathesis takes names from answers, too.
            case.path_parameters[name] = case.path_parameters[name][:-1] + "_"


def known_names(parameter, case):
    seeds = SEEDS.get(parameter.name, [])
    prefix = re.match(r"\^([a-z]+)_", str(parameter.definition.get("schema", {}).get("pattern", "")))
    others = made.get(prefix[1], []) if prefix else []
    if case.method.upper() == "DELETE":
        # What the other requests ask for must stay.
        return others
    # A stream of a job that is at work lasts as long as the job.
    return seeds if is_stream(case.operation) else seeds + others


def is_stream(operation):
    answers = operation.definition.raw.get("responses", {}).values()
    return any("text/event-stream" in answer.get("content", {}) for answer in answers)


def name_query(case):
    # In that phase numbers are text already, and would be taken for wrong when looked at again.
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
        # Files in it cannot be looked at again.
        return
    # Nobody outside is to get mail from a test.
    body.pop("webhook", None)
    if chance.random() < 0.75:
        for name in ("dataset", "model"):
            if isinstance(body.get(name), str) and SEEDS.get(name):
                body[name] = SEEDS[name][0]
        if not is_wrong:
            # Few settings that are made up fit each other and the model.
            body.pop("settings", None)


@schemathesis.hook
def after_call(context, case, response):
    statuses[case.operation.label, response.status_code] += 1
    if case.method.upper() == "DELETE" and response.status_code == 204:
        gone = case.path_parameters.values()
        for prefix, pool in made.items():
            made[prefix] = [name for name in pool if name not in gone]
    if response.status_code not in (201, 202):
        return
    try:
        identity = response.json().get("id")
    except (ValueError, AttributeError):
        return
    if isinstance(identity, str) and "_" in identity:
        pool = made.setdefault(identity.split("_")[0], [])
        pool.append(identity)
        del pool[:-LARGEST_POOL]


@atexit.register
def say_how_many():
    for operation in sorted({label for label, _ in statuses}):
        own = sorted((status, count) for (label, status), count in statuses.items() if label == operation)
        print(f"{operation:60} {', '.join(f'{status}: {count}' for status, count in own)}")
    print(f"Requests: {statuses.total()}")
