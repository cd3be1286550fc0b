// Reads a JUnit file as two of GitHub's actions do, with the parsers that they use, and holds it against the result.
// After dorny/test-reporter 29672c5 (java-junit, xml2js) and mikepenz/action-junit-report 305cd1f (xml-js).
const assert = require("node:assert");
const fs = require("node:fs");
const xml2js = require("xml2js");
const xmlJs = require("xml-js");

function expected(path) {
  const { verdict } = JSON.parse(fs.readFileSync(path, "utf8"));
  if (!verdict) return [];
  const gating = verdict.cells.filter((cell) => cell.rule.kind !== "report");
  const invalid = verdict.decision === "invalid";
  const bad = gating.filter((cell) => invalid || cell.status.kind === "fail");
  const names = bad.map((cell) => cell.metric + (cell.rule.kind === "objective" ? " objective" : ""));
  if (verdict.broken_rules.length > 0 || (invalid && gating.length === 0)) names.push("rules");
  return names.sort();
}

async function dorny(text) {
  const { testsuites } = await xml2js.parseStringPromise(text);
  const failed = [];
  for (const suite of testsuites.testsuite) {
    assert(suite.$.name.trim() && !Number.isNaN(parseFloat(suite.$.time)), "a suite without name or time");
    for (const test of suite.testcase) {
      assert(test.$.name.trim() && test.$.classname, "a case without name or class");
      assert(!Number.isNaN(parseFloat(test.$.time)), `the time of ${test.$.name} is no number`);
      const bad = test.failure ?? test.error;
      if (!bad) continue;
      failed.push(test.$.name);
      assert(bad[0].$.message && bad[0].$.type && bad[0]._, `${test.$.name} is shown without words`);
    }
  }
  return failed.sort();
}

function mikepenz(text) {
  const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
  const { testsuites } = JSON.parse(xmlJs.xml2json(text, { compact: true }));
  const failed = [];
  for (const suite of list(testsuites.testsuite)) {
    for (const test of list(suite.testcase)) {
      const issues = [...list(test.failure), ...list(test.error)];
      if (issues.length === 0 || test.skipped) continue;
      failed.push(test._attributes.name);
      for (const issue of issues) {
        const trace = (issue._cdata || issue._text || "").toString().trim();
        assert(issue._attributes.message && trace, `${test._attributes.name} is shown without words`);
      }
    }
  }
  return failed.sort();
}

async function main(result, file) {
  const wanted = expected(result);
  const text = fs.readFileSync(file, "utf8");
  assert.deepStrictEqual(await dorny(text), wanted, "dorny");
  assert.deepStrictEqual(mikepenz(text), wanted, "mikepenz");
  console.log(`${file.split("/").pop()}: dorny and mikepenz show ${wanted.join(", ") || "no failure"}`);
}

main(...process.argv.slice(2));
