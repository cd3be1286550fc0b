"""Workflows as we write them, read without a library: jobs are indented by two, their steps by six."""

import re

from runner import REPOSITORY

OURS = re.compile(r"(?:org/llm-loadtest|\.)/?(docker)?(?:@v1)?")


def examples():
    """Every workflow to copy, by its path below examples/workflows."""
    folder = REPOSITORY / "examples" / "workflows"
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.yml"))}


def steps(text):
    """The steps, one after another: their keys with texts, `with` and `env` with their members, and the job that they are in."""
    found, job, block, joint = [], None, None, ""
    for line in text.splitlines():
        if match := re.fullmatch(r"  ([\w-]+):", line):
            job, block = match[1], None
        if line.startswith("      - "):
            found.append({"job": job})
            line = f"        {line[8:]}"
        if match := re.fullmatch(r"        ([\w-]+): *(.*)", line):
            block = match[1] if found else None
            if block:
                joint = {">-": " ", "|": "\n"}.get(match[2], "")
                found[-1][block] = {} if block in ("with", "env") else "" if joint else plain(match[2])
        elif block and (match := re.fullmatch(r"          (.*)", line)):
            if isinstance(found[-1][block], str):
                found[-1][block] += match[1] + joint
            elif match := re.fullmatch(r"([\w-]+): (.*)", match[1]):
                found[-1][block][match[1]] = plain(match[2])
    return found


def plain(text):
    """A scalar without its quotes or its comment."""
    if text[:1] in ("'", '"'):
        return text[1:-1]
    return text.split(" #")[0]


def metadata(step):
    """The action.yml that a step of ours uses."""
    return REPOSITORY / (OURS.fullmatch(step["uses"])[1] or "") / "action.yml"


def ours(text):
    """The steps that use the action, in either form."""
    return [step for step in steps(text) if OURS.fullmatch(step.get("uses", ""))]
