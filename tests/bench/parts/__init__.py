"""The parts of the suite: each a module with `run(suite, results)`, in the order in which they are run."""

from importlib import import_module

NAMES = ("codec", "rig", "queries", "judging", "logins", "bulk", "idle", "captures", "start")


def load(name):
    return import_module(f"parts.{name}")
