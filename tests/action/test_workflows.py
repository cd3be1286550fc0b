"""Every workflow of ours and every one to copy asks for inputs and outputs that the action has. It takes neither an engine nor an image."""

import re
import unittest

import workflow
from runner import REPOSITORY, inputs

EXPRESSIONS = {"github.token": "", "toJSON(matrix)": ""}


def wrong(text):
    """What the workflow wants of the action, and it does not have."""
    for step in workflow.ours(text):
        metadata = workflow.metadata(step)
        yield from (f"input {name}" for name in step.get("with", {}) if name not in inputs(metadata, EXPRESSIONS))
        if name := step.get("id"):
            known = re.findall(r"^  ([a-z-]+):$", metadata.read_text().split("\noutputs:\n")[1].split("\nruns:")[0], re.MULTILINE)
            asked = re.findall(rf"steps\.{name}\.outputs\.([\w-]+)", text)
            yield from (f"output {output}" for output in asked if output not in known)


class Names(unittest.TestCase):
    def texts(self):
        files = [*workflow.examples().values(), *sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))]
        files += [REPOSITORY / "README.md", REPOSITORY / "docs" / "ACTION.md"]
        return {str(path.relative_to(REPOSITORY)): path.read_text() for path in files}

    def test_what_is_asked_for_is_there(self):
        seen = 0
        for name, text in self.texts().items():
            steps = workflow.ours(text)
            uses = re.findall(r"^ +(?:- )?uses: (?:org/llm-loadtest|\./)", text, re.MULTILINE)
            self.assertEqual(len(steps), len(uses), f"{name}: a step was not understood")
            self.assertEqual(list(wrong(text)), [], name)
            seen += len(steps)
        self.assertGreater(seen, 10)

    def test_what_is_not_there_is_found(self):
        text = self.texts()["examples/workflows/pr-gate.yml"]
        self.assertEqual(list(wrong(text.replace("server:", "target:"))), ["input target"])
        self.assertEqual(list(wrong(text.replace("outputs.results-path", "outputs.result-path"))), ["output result-path"] * text.count("outputs.results-path"))
