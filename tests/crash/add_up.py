#!/usr/bin/env python3
"""Adds the lines of a campaign log to a summary of all runs.

usage: add_up.py LOG SUMMARY COMMIT
"""
import datetime
import json
import os
import sys

log, path, commit = sys.argv[1:]
summary = {"schema": "tidemark.crash/1", "campaigns": {}}
if os.path.exists(path):
    with open(path, encoding="utf-8") as file:
        summary = json.load(file)
today = datetime.date.today().isoformat()
with open(log, encoding="utf-8") as lines:
    for line in lines:
        run = json.loads(line)
        name, passed = run.pop("campaign"), run.pop("passed")
        total = summary["campaigns"].setdefault(
            name, {"runs": 0, "failed": 0, "first": today, "tried": {}})
        total["runs"] += 1
        total["failed"] += 0 if passed else 1
        total["last"] = today
        total["last_commit"] = commit
        for what, count in run.items():
            total["tried"][what] = total["tried"].get(what, 0) + count
with open(path + ".new", "w", encoding="utf-8") as file:
    json.dump(summary, file, indent=2, sort_keys=True)
    file.write("\n")
os.replace(path + ".new", path)
