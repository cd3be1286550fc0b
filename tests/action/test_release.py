"""What .ci/release refuses: a release whose files do not agree."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from runner import REPOSITORY

DIGEST = "sha256:" + "4f" * 32


class Release(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        (self.root / "docker").mkdir()
        for name in ("action.yml", "docker/action.yml", "Cargo.toml", "CHANGELOG.md"):
            shutil.copy(REPOSITORY / name, self.root / name)

    def tearDown(self):
        self.folder.cleanup()

    def edit(self, name, old, new):
        path = self.root / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def release(self, *arguments):
        script = ["bash", REPOSITORY / ".ci" / "release", *arguments]
        return subprocess.run(script, env={"LLM_LOADTEST_ROOT": str(self.root), "PATH": "/usr/bin:/bin"}, check=False, capture_output=True, text=True)

    def refused(self, words, *arguments):
        done = self.release(*arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(words, done.stderr)

    def test_the_digest_that_was_pushed_is_the_one_that_is_named(self):
        self.refused("names sha256:0", "check", DIGEST)
        self.assertEqual(self.release("pin", DIGEST).returncode, 0)
        self.assertEqual(self.release("check", DIGEST).returncode, 0)
        self.refused("the pushed image is", "check", "sha256:" + "5e" * 32)
        self.edit("docker/action.yml", DIGEST, "sha256:" + "5e" * 32)
        self.refused("docker/action.yml names", "check", DIGEST)

    def test_a_placeholder_is_no_digest(self):
        self.refused("placeholder", "check", "sha256:" + "0" * 64)
        self.refused("placeholder", "pin", "sha256:" + "0" * 64)
        self.refused("is no digest", "pin", "latest")

    def test_the_files_agree_on_the_version(self):
        version = self.release("version").stdout.strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.edit("docker/action.yml", f":{version}@", ":9.9.9@")
        self.refused("docker/action.yml names 9.9.9", "version")
        self.edit("action.yml", f":{version}@sha256:{'0' * 64}", f":{version}")
        self.refused("action.yml does not name one image", "version")

    def test_the_changelog_tells_of_the_version(self):
        self.refused("no section '## 9.9.9'", "notes", "9.9.9")
        self.edit("CHANGELOG.md", "## Unreleased", "## Unreleased\n\n## 9.9.9\n\n- faster")
        self.assertIn("- faster", self.release("notes", "9.9.9").stdout)
