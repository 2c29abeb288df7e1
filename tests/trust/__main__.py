"""`python -m tests.trust`: iam, scan, resources: what a security review asks, answered by running it."""

from __future__ import annotations

import argparse
import sys

from tests.trust import least, resources, scan


def main() -> int:
    """Run a command; 0 if all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.trust", description=__doc__)
    commands = parser.add_subparsers(required=True)
    iam = commands.add_parser("iam", help="take away each permission of a job: something must break")
    iam.set_defaults(command=least.main)
    checkov = commands.add_parser("scan", help="have the company's scanner read every example and stack")
    checkov.set_defaults(command=scan.main)
    tree = commands.add_parser("resources", help="show every example's resources, and hold them against a few rules")
    tree.set_defaults(command=resources.main)
    options = parser.parse_args()
    code: int = options.command()
    return code


if __name__ == "__main__":
    sys.exit(main())
