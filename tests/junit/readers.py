"""Reads a JUnit file as Jenkins, GitLab and EnricoMi's action do, and holds it against the result it was made from.

Each reader is the rule of one consumer, written anew: Jenkins' xUnit plugin 8c515de (junit-10.xsd), GitLab's documentation,
publish-unit-test-result-action c9bbcab (junitparser).
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

import junitparser

SUITE = set("name tests failures errors group time skipped timestamp hostname id package file log url version".split())
ALLOWED = {
    # Element: attributes it may have, those it must have, children.
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (SUITE, {"name", "tests", "failures", "errors"}, {"properties", "testcase", "system-out", "system-err"}),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "skipped": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "failure": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?")


def expected(path):
    """The numbers that fail, those in error and those left open, by the verdict in the result."""
    with open(path, encoding="utf-8") as file:
        verdict = json.load(file).get("verdict")
    found = {"failure": set(), "error": set(), "skipped": set()}
    if verdict is None:
        return found
    kinds = {"fail": "failure", "undecided": "skipped", "not_judged": "skipped"}
    gating = [cell for cell in verdict["cells"] if cell["rule"]["kind"] != "report"]
    for cell in gating:
        suffix = " objective" if cell["rule"]["kind"] == "objective" else ""
        kind = "error" if verdict["decision"] == "invalid" else kinds.get(cell["status"]["kind"])
        if kind:
            found[kind].add(cell["metric"] + suffix)
    if verdict["broken_rules"]:
        found["failure"].add("rules")
    elif verdict["decision"] == "invalid":
        found["skipped" if gating else "error"].add("rules")
    elif not gating:
        found["skipped"].add("rules")
    return found


def jenkins(root):
    """The xUnit plugin refuses what its schema does not know."""
    def check(element):
        attributes, needed, children = ALLOWED[element.tag]
        names = set(element.attrib)
        assert names <= attributes, f"<{element.tag}> may not have {names - attributes}"
        assert needed <= names, f"<{element.tag}> needs {needed - names}"
        if element.tag in ("testsuites", "testsuite") and "time" in names:
            assert TIME.fullmatch(element.get("time")), f"time {element.get('time')}"
        for child in element:
            assert child.tag in children, f"<{child.tag}> inside <{element.tag}>"
            check(child)

    assert root.tag == "testsuites"
    check(root)
    shown = {kind: set() for kind in ("failure", "error", "skipped")}
    for case in root.iter("testcase"):
        for child in case:
            if child.tag in shown:
                shown[child.tag].add(case.get("name"))
                assert child.get("message"), f"{case.get('name')} has no message"
    return shown


def gitlab(root):
    """Shows the text, not the message; of cases with one class and name, one."""
    shown = {kind: set() for kind in ("failure", "error", "skipped")}
    seen = set()
    for case in root.iter("testcase"):
        key = (case.get("classname"), case.get("name"), case.get("file"))
        assert key not in seen, f"{key} is there twice, and one is dropped"
        seen.add(key)
        for child in case:
            if child.tag in shown:
                assert (child.text or "").strip(), f"{case.get('name')} shows nothing"
                shown[child.tag].add(case.get("name"))
    return shown


def enrico(path, root):
    """Counts come from the suites' attributes, results from the cases."""
    shown = {kind: set() for kind in ("failure", "error", "skipped")}
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in junitparser.JUnitXml.fromfile(path):
        for name in counts:
            counts[name] += getattr(suite, name)
        assert suite.time is not None and suite.time == suite.time
        for case in suite:
            assert case.classname and case.name and case.time is not None, case.name
            assert len(case.result) <= 1, f"{case.name} has several results"
            for result in case.result:
                shown[result._tag].add(case.name)
                assert result.message and result.text, f"{case.name} is shown without words"
                assert " ".join(result.text.splitlines()[0].split()) == " ".join(result.message.split())
    total = sum(len(list(suite)) for suite in junitparser.JUnitXml.fromfile(path))
    told = {"tests": total} | {
        name: sum(1 for _ in root.iter(tag))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    assert counts == told, f"suites tell {counts}, cases are {told}"
    for name in ("tests", "failures", "errors"):
        assert int(root.get(name)) == counts[name], f"the root tells {root.get(name)} {name}"
    return shown


def main(result, xml):
    wanted = expected(result)
    root = ElementTree.parse(xml).getroot()
    for name, shown in (("jenkins", jenkins(root)), ("gitlab", gitlab(root)), ("enricomi", enrico(xml, root))):
        assert shown == wanted, f"{name} shows {shown}, the verdict is {wanted}"
    told = ", ".join(f"{kind} {sorted(names)}" for kind, names in wanted.items() if names)
    print(f"{xml.rsplit('/', 1)[-1]}: jenkins, gitlab and enricomi show {told or 'no failure'}")


main(*sys.argv[1:])
