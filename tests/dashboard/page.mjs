// A page of Chromium that remembers what went wrong in it, and the few things that checks do with it.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ok } from 'node:assert/strict';

// Answers that a check provokes on purpose.
const EXPECTED = new Set();
export const expect = (words) => EXPECTED.add(words);

export async function browse(tools, chromium) {
  const require = createRequire(path.resolve(tools, 'x.js'));
  const puppeteer = require('puppeteer-core');
  const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--force-prefers-reduced-motion'] });
  const wrong = [];
  const open = async (size = {}) => {
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 900, ...size });
    const note = (words) => [...EXPECTED].some((expected) => words.includes(expected)) || wrong.push(words);
    page.on('console', (message) => ['error', 'warn'].includes(message.type()) && note(`console: ${message.text()} ${message.location().url ?? ''}`));
    page.on('pageerror', (error) => note(`error: ${error.stack ?? error.message}`));
    page.on('requestfailed', (request) => request.failure()?.errorText === 'net::ERR_ABORTED' || note(`request: ${request.url()} ${request.failure()?.errorText}`));
    page.on('response', (response) => response.status() >= 400 && note(`answer: ${response.status()} ${response.url()}`));
    return page;
  };
  const judge = async (page, name) => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    for (const { id, nodes } of violations) wrong.push(`axe: ${name}: ${id}: ${nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) wrong.push(`layout: ${name} is ${wide} pixels wider than the window`);
  };
  return { open, judge, wrong, close: () => browser.close() };
}

export const see = (page, words, timeout = 15000) => page.waitForFunction((text) => document.body.innerText.includes(text), { timeout }, words).catch(async () => {
  throw new Error(`the page never says "${words}"; it says: ${(await page.evaluate(() => document.body.innerText)).slice(0, 1500)}`);
});

// Loads an address afresh, with theme and language as they were.
export async function go(page, base, hash) {
  await page.goto('about:blank');
  await page.goto(`${base}${hash}`, { waitUntil: 'networkidle2' });
}

// Clicks what has these words, as a person finds it.
export async function press(page, selector, words) {
  const found = await page.evaluateHandle((css, text) => [...document.querySelectorAll(css)].find((one) => one.innerText.trim() === text), selector, words);
  ok(found.asElement(), `there is a ${selector} "${words}"`);
  await found.asElement().evaluate((one) => one.scrollIntoView({ block: 'center' }));
  await found.asElement().click();
}

// The middle of an element, in the coordinates of the mouse.
export async function box(page, selector, at = 0) {
  const found = (await page.$$(selector))[at];
  ok(found, `there is ${selector}`);
  await found.evaluate((one) => one.scrollIntoView({ block: 'center' }));
  return found.boundingBox();
}
