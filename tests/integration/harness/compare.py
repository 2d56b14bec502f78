"""What a client saw directly, next to what it saw through the proxy."""

import json
import re

from conversation import ANY, LOST

#: How the libraries say that their connection is gone. Which of these it is, is a matter of timing.
LOST_CODES = {2006, 2013, 2055}
LOST_WORDS = re.compile(
    r"PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE|ECONNABORTED|invalid connection|bad connection|broken pipe|"
    r"closed state|closed pool|Lost connection|server has gone away|Communications link failure|connection closed|"
    r"connection is closed|not connected|Not connected|MySQL Connection not available|Connection reset|"
    r"No operations allowed after connection closed|connection is in closed state|Broken pipe|"
    r"Already closed|Connection was killed")


def errors_of(observation):
    """All errors in an observation, as [code, sqlstate, message]."""
    if isinstance(observation, dict):
        for key, value in observation.items():
            if key == "error" and value:
                yield value
            else:
                yield from errors_of(value)
    elif isinstance(observation, list):
        for one in observation:
            yield from errors_of(one)


def is_lost(error):
    code, state, message = error
    # PyMySQL, asked on a connection that it knows to be closed.
    if (code, state, message) == (0, "InterfaceError", ""):
        return True
    return code in LOST_CODES or bool(LOST_WORDS.search(f"{message} {state}"))


def settled(observation, step):
    """The observation without what the step says is vague, and with one word for lost connections."""
    if isinstance(observation, list):
        return [settled(one, step) for one in observation]
    if not isinstance(observation, dict):
        return observation
    result = {}
    for key, value in observation.items():
        if key == step.get("vague"):
            continue
        result[key] = LOST if key == "error" and value and is_lost(value) else settled(value, step)
    if step.get("expect") == LOST and any(is_lost(error) for error in errors_of(observation)):
        return {"error": LOST}
    return result


def surprise(observation, step):
    """Why the observation is not what the step expects, or None."""
    if observation.get("unsupported"):
        return None
    expect = step.get("expect")
    errors = list(errors_of(observation))
    if expect == ANY:
        return None
    if expect is None:
        return f"an unexpected error: {errors[0]}" if errors else None
    if not errors:
        return f"no error where {expect} was expected"
    if expect == LOST:
        return None if is_lost(errors[0]) else f"{errors[0]}, and its connection should be gone"
    if errors[0][0] in (None, -1):
        return None  # the library keeps the number to itself
    wanted = expect if isinstance(expect, (set, frozenset)) else {expect}
    if errors[0][0] in wanted or (LOST in wanted and is_lost(errors[0])):
        return None
    return f"{errors[0]} where {expect} was expected"


def differences(direct, proxied, path=""):
    """The places where two observations differ, in words."""
    if isinstance(direct, dict) and isinstance(proxied, dict):
        for key in sorted({*direct, *proxied}):
            yield from differences(direct.get(key), proxied.get(key), f"{path}.{key}")
    elif isinstance(direct, list) and isinstance(proxied, list) and len(direct) == len(proxied):
        for i, (one, other) in enumerate(zip(direct, proxied)):
            yield from differences(one, other, f"{path}[{i}]")
    elif direct != proxied:
        yield f"{path}: directly {json.dumps(direct)[:300]}, through the proxy {json.dumps(proxied)[:300]}"


def complaints(case, direct, proxied):
    """Everything that is wrong with one case, a line each."""
    for i, step in enumerate(case["steps"]):
        what = f"step {i}, {step['do']} {str(step.get('sql', ''))[:100]}"
        problem = surprise(direct[i], step)
        if problem:
            yield f"{what}: directly {problem}"
        else:  # what is wrong in both ways is said once
            problem = surprise(proxied[i], step)
            if problem:
                yield f"{what}: through the proxy {problem}"
        for difference in differences(settled(direct[i], step), settled(proxied[i], step)):
            yield f"{what}: {difference}"
        if problem and step["do"] == "connect":
            return  # what follows has no connection to run on
