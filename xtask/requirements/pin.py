#!/usr/bin/env python3
"""Turns pip's dry-run reports into a requirements list with hashes and nothing else.

    python3 -m pip install --dry-run --ignore-installed --report r.json NAME==VERSION ...
    python3 xtask/requirements/pin.py [--without NAME]... r.json [more.json ...] > list.txt

Several reports (other Python versions, other processors) are merged: one line a package, every hash.
Addresses are left out on purpose: where packages come from is the business of the machine's own pip.
"""

import json
import re
import sys


def main(arguments):
    left_out, reports, rest = set(), [], iter(arguments)
    for argument in rest:
        if argument == "--without":
            left_out.add(next(rest))
        else:
            reports.append(argument)
    pins = {}
    for path in reports:
        with open(path, encoding="utf-8") as report:
            packages = json.load(report)["install"]
        for package in packages:
            name = re.sub(r"[-_.]+", "-", package["metadata"]["name"]).lower()
            if name in left_out:
                continue
            version = package["metadata"]["version"]
            hashes = pins.setdefault((name, version), set())
            hashes.add(package["download_info"]["archive_info"]["hashes"]["sha256"])
    names = [name for name, _ in pins]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        sys.exit(f"the reports disagree about the version of: {', '.join(twice)}")
    for (name, version), hashes in sorted(pins.items()):
        lines = [f"{name}=={version}"] + [f"    --hash=sha256:{digest}" for digest in sorted(hashes)]
        print(" \\\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
