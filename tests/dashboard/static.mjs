// What needs no browser: both languages have the same words, every word is used, and the code of others is theirs.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { equal, deepEqual, ok } from 'node:assert/strict';
import { gzipSync } from 'node:zlib';

const ASSETS = path.resolve('src/server/assets');
const PAGE_MAX = 150_000;

async function modules(folder = ASSETS) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'vendor') found.push(...await modules(at));
    else if (/\.(js|css|html)$/.test(entry.name)) found.push(at);
  }
  return found;
}

export async function words() {
  const [en, ko] = await Promise.all(['en', 'ko'].map(async (language) => (await import(path.join(ASSETS, `i18n/${language}.js`))).default));
  deepEqual(Object.keys(ko).sort(), Object.keys(en).sort(), 'English and Korean have the same keys');
  for (const [key, words] of Object.entries(en)) {
    const slots = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    deepEqual(slots(ko[key]), slots(words), `${key} has the same values in both languages`);
    ok(words && ko[key], `${key} says something`);
  }
  const sources = await Promise.all((await modules()).filter((file) => file.endsWith('.js') && !file.includes('i18n/')).map((file) => readFile(file, 'utf8')));
  const code = sources.join('\n');
  const asked = [...code.matchAll(/\bt\('([^']+)'/g)].map((found) => found[1]);
  for (const key of asked) ok(key in en, `t('${key}') has words`);
  // A key that is put together at run time is used when the part before its first gap is.
  const begun = [...code.matchAll(/\bt(?:Or)?\(`([^`$]*)\$\{/g)].map((found) => found[1]).filter(Boolean);
  for (const key of Object.keys(en)) {
    const plain = key.replace(/\.one$/, '');
    ok(code.includes(`'${plain}'`) || begun.some((start) => plain.startsWith(start)) || /^(state|verdict)\./.test(plain), `the words of ${key} are used`);
  }
  return `${Object.keys(en).length} words in two languages`;
}

export async function vendor(tools) {
  const pairs = [['htm-preact.js', 'htm/preact/standalone.module.js'], ['uPlot.iife.min.js', 'uplot/dist/uPlot.iife.min.js'], ['uPlot.min.css', 'uplot/dist/uPlot.min.css'], ['LICENSE-htm', 'htm/LICENSE'], ['LICENSE-uplot', 'uplot/LICENSE']];
  for (const [ours, theirs] of pairs) equal(await readFile(path.join(ASSETS, 'vendor', ours), 'utf8'), await readFile(path.join(tools, 'node_modules', theirs), 'utf8'), `${ours} is ${theirs}`);
  return `${pairs.length} files of others are unmodified`;
}

// Every module is loaded by the first page, so their sum is what a visit costs.
export async function size() {
  const own = [...await modules(), path.join(ASSETS, 'vendor/htm-preact.js')];
  let bytes = 0;
  for (const file of own) bytes += gzipSync(await readFile(file)).length;
  ok(bytes < PAGE_MAX, `a first visit loads ${bytes} bytes beside uPlot, ${PAGE_MAX} at most`);
  return `${(bytes / 1000).toFixed(0)} kB gzip beside uPlot`;
}
