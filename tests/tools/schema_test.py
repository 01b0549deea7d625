#!/usr/bin/env python3
"""What every command writes with --json, on success and on failure, is as its published schema says.

usage: schema_test.py CKPT_INSPECT REPOSITORY   (a repository with two checkpoints or more; it is copied)
Skips (77) without the Python package jsonschema.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: there is no python3-jsonschema")
    sys.exit(77)

inspect, source = sys.argv[1], pathlib.Path(sys.argv[2])
FEEDS = {"dump", "log", "history", "diff"}
WITHOUT_JSON = {"schema", "completion", "man"}  # they have formats of their own
failures = []
ran = {}


def run(*arguments):
    return subprocess.run([inspect, *arguments], capture_output=True, text=True)


def validator(name):
    result = run("schema", name)
    assert result.returncode == 0, result.stderr
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


ERRORS = validator("error")


def check(expected, command, *arguments):
    """Runs it; `expected`: the exit code."""
    result = run(command, *arguments, "--json")
    what = f"{command} {' '.join(arguments)}"
    ran.setdefault(command, set()).add(result.returncode)
    if result.returncode != expected:
        failures.append(f"{what}: exit code {result.returncode}, expected {expected}: {result.stderr}")
    try:
        for line in result.stderr.splitlines():
            ERRORS.validate(json.loads(line))
        if expected in (0, 1) or result.stdout:
            documents = result.stdout.splitlines() if command in FEEDS else [result.stdout]
            one = validator(command)
            for document in documents:
                one.validate(json.loads(document))
        if expected > 1 and not result.stderr and command not in ("verify", "fsck"):
            failures.append(f"{what}: says no error")
    except (ValueError, jsonschema.ValidationError) as error:
        failures.append(f"{what}: {error}")


def damage(repository):
    """A byte in a base's file, and the newest segment gone."""
    base = sorted(repository.glob("subtasks/*/base/*.sst"))
    for path in base:
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0x40
        path.write_bytes(content)


with tempfile.TemporaryDirectory() as place:
    place = pathlib.Path(place)
    good, bad = place / "good", place / "bad"
    shutil.copytree(source, good)
    shutil.copytree(source, bad)
    damage(bad)
    listed = json.loads(run("list", str(good), "--json").stdout)["checkpoints"]
    first, last = listed[0]["id"], listed[-1]["id"]
    shown = json.loads(run("show", str(good), last, "--json").stdout)["checkpoints"][0]
    table = shown["tables"][0]["name"]
    records = [json.loads(line) for line in run("dump", str(good), last, "--json").stdout.splitlines()]
    record = next(r for r in records if r["type"] == "record" and not isinstance(r["key"], dict))
    key = str(record["key"])

    for repository, code in ((good, 0), (bad, 4)):
        path = str(repository)
        check(0, "list", path)
        check(0, "show", path, "latest")
        check(code, "verify", path, "--level", "checksum")
        check(code, "report", path, "-o", str(place / "report.html"), "--level", "checksum")
        check(code, "dump", path, "latest")
        check(code, "digest", path, "latest")
        check(code, "stats", path, "latest")
        check(code, "export", path, "latest", str(place / f"savepoint-{code}"))
    path = str(good)
    nowhere = str(place / "nowhere")
    check(0, "get", path, last, record["table"], key)
    check(1, "get", path, last, record["table"], "hex:ffffffffffffffff")
    check(5, "get", path, last, "no such table", "x")
    check(0, "log", path)
    check(2, "log", path, "9..1")
    check(1 if not run("history", path, record["table"], key).stdout else 0, "history", path, record["table"], key)
    check(5, "history", path, "no such table", "x")
    check(0, "diff", path, last, last)
    check(run("diff", path, first, last).returncode, "diff", path, first, last)
    check(5, "diff", path, first, "999999")
    check(0, "stats", path, last, "--prefix", "2")
    check(1, "stats", path, last, "--fail-if", "keys>0")
    check(2, "stats", path, last, "--fail-if", "keys")
    check(5, "stats", nowhere)
    check(0, "import", str(place / "savepoint-0"), str(place / "job"))
    check(5, "import", nowhere, str(place / "job2"))
    check(0, "pin", path, last, "kept")
    check(5, "pin", path, "999999", "other")
    check(0, "list", path)
    check(0, "unpin", path, "kept", "--yes")
    check(5, "unpin", path, "kept", "--yes")
    check(0, "request", path)
    check(5, "request", nowhere)
    check(0, "prune", path, "--keep-last", "1", "--dry-run")
    check(0, "prune", path, "--keep-last", "1", "--yes")
    check(2, "prune", path)
    check(0, "compact", path, "--yes")
    check(5, "compact", nowhere, "--yes")
    check(0, "fsck", path)
    check(5, "fsck", nowhere)
    kinds = set()
    for file in sorted(good.rglob("*")):
        if not file.is_file():
            continue
        result = run("identify", str(file), "--json")
        check(result.returncode, "identify", str(file))
        kinds.add(json.loads(result.stdout)["kind"])
        if result.returncode != 0:
            failures.append(f"identify {file}: exit code {result.returncode}")
    if not {"format", "manifest-version", "manifest-snapshot", "sst", "base-meta"} <= kinds:
        failures.append(f"identify knows only {kinds}")
    flipped = place / "flipped"
    content = bytearray((good / "FORMAT").read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    check(4, "identify", str(flipped))
    flipped.write_text("anything")
    check(1, "identify", str(flipped))
    check(5, "identify", nowhere)
    check(0, "explain", "file-checksum")
    check(5, "explain", "no-such-error")
    check(0, "version")
    check(5, "list", nowhere)
    check(5, "show", path, "999999")
    check(5, "verify", path, "999999")
    check(2, "list")

commands = set(re.findall(r"^  ([a-z]+) {2,}", run("--help").stdout.split("Subcommands:")[1].split("Examples:")[0], re.M))
for command in sorted(commands - set(ran) - WITHOUT_JSON):
    failures.append(f"{command} is not in this test")
for failure in failures:
    print(failure, file=sys.stderr)
print(f"{sum(len(codes) for codes in ran.values())} outcomes of {len(ran)} commands")
sys.exit(1 if failures else 0)
