// Uses the dashboard as a person does, against the real server: node check.mjs BINARY TOOLS PICTURES CHROMIUM
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { size, vendor, words } from './static.mjs';
import { finished, makeKey, nights, start } from './server.mjs';
import { box, browse, expect, go, press, see } from './page.mjs';

const [binary, tools, pictures, chromium] = process.argv.slice(2);
const began = Date.now();
const say = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${text}`);
const root = await mkdtemp(path.join(tmpdir(), 'dashboard-'));
await mkdir(pictures, { recursive: true });

say(await words());
say(await vendor(tools));
say(await size());

const SETTINGS = { server: 'sim:', rate: '30,60', 'num-prompts': '60', warmup: '2', 'input-len': '64', 'output-len': '24', goodput: 'ttft:60,tpot:15' };
const server = await start(path.resolve(binary), path.join(root, 'data'));
const browser = await browse(tools, chromium);
let current = null;
const picture = (page, name, whole = false) => page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: whole, optimizeForSpeed: false });
try {
  const page = await browser.open();
  current = page;
  await theFirstVisit(page);
  const first = await aRunFromTheForm(page);
  const others = [];
  for (const title of ['second', 'third']) others.push(await server.ask('POST', 'benchmarks', { settings: SETTINGS, title }));
  await theResult(page, first);
  for (const one of others) await finished(server, one.id);
  const baseline = await theHistory(page, first);
  const gate = await aGate();
  await comparing(page, first, gate);
  const fail = await verdicts();
  await everyPage(page, [first, fail], baseline, others);
  await keysAndFocus(page);
  await manyPoints(page, first);
  await deleting(page, others[1]);
  await onThePhone(fail, baseline);
  await lostAndFound(page);
  await aKey(page);
  deepEqual(browser.wrong, [], 'nothing went wrong on any page');
  say('nothing in the console, no failed request, no violation of the policy or of accessibility');
} catch (error) {
  console.error(browser.wrong.join('\n'));
  if (current) await picture(current, 'failure', true);
  throw error;
} finally {
  await browser.close();
  await server.stop();
  await rm(root, { recursive: true, force: true });
}

async function theFirstVisit(page) {
  await go(page, server.base, '#/');
  await page.evaluate(() => localStorage.clear());
  await see(page, 'Nothing has been measured yet');
  await browser.judge(page, 'empty list');
  await picture(page, 'empty');
}

async function aRunFromTheForm(page) {
  await press(page, 'a', 'New run');
  await see(page, 'The same on a command line');
  await page.type('#f-server', 'sim:');
  await page.type('#f-rate', 'much');
  expect('benchmarks?dry_run=true');
  expect('the server responded with a status of 4');
  await page.waitForSelector('#f-rate[aria-invalid=true]');
  await page.evaluate(() => { document.querySelector('#f-rate').value = ''; });
  for (const [key, value] of Object.entries(SETTINGS)) if (!['server', 'warmup'].includes(key)) await page.type(`#f-${key}`, value);
  await page.type('#f-title', 'first');
  await page.click('.others summary');
  await page.type('.others input', 'warmup requests');
  await page.waitForFunction(() => document.querySelectorAll('.others li').length < 6);
  await press(page, '.others button', '--warmup');
  await page.waitForSelector('#f-warmup');
  await page.type('#f-warmup', '2');
  await page.waitForFunction(() => document.querySelector('.command code')?.innerText.includes('--warmup 2'));
  await page.click('button[type=submit]');
  await see(page, 'In flight');
  await page.waitForFunction(() => document.querySelectorAll('.plot canvas').length >= 4);
  await browser.judge(page, 'live');
  await see(page, 'level 2 of 2');
  await page.waitForFunction(() => document.querySelectorAll('.plot canvas').length >= 4);
  await page.waitForFunction(() => Number(document.querySelector('progress')?.value) > 0.6);
  await picture(page, 'live-light');
  await page.click('.tools button[aria-label="Dark theme"]');
  await picture(page, 'live-dark');
  await page.click('.tools button[aria-label="Light theme"]');
  await see(page, 'Plan and environment', 30000);
  say('a run from the form, live, to its result without a reload');
  return finished(server, new URL(page.url()).hash.split('/').pop());
}

async function theResult(page, { id }) {
  await go(page, server.base, `#/run/${id}`);
  await see(page, 'Both sides of one window');
  const before = await page.$eval('#requests [role=status]', (one) => one.innerText);
  const plot = await box(page, '#requests .u-over');
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 60, { steps: 8 });
  await page.mouse.up();
  await page.waitForFunction((old) => document.querySelector('#requests [role=status]').innerText !== old, {}, before);
  await openARow(page);
  await press(page, '#requests button', 'Whole level');
  await page.waitForFunction((old) => document.querySelector('#requests [role=status]').innerText === old, {}, before);
  await press(page, '#latency .choice button', 'Log tail');
  await press(page, '.toolbar > button', 'Explain');
  await page.waitForSelector('.analysis h3');
  ok((await page.$$('.analysis .claim')).length > 0, 'the analysis claims something');
  await press(page, '.analysis button', 'Close');
  for (const format of ['json', 'html', 'markdown', 'csv', 'junit']) ok((await fetch(`${server.base}api/v1/benchmarks/${id}/report?format=${format}`)).ok, format);
  say('a result: zoom, a row, the tail, an explanation, downloads');
}

// Moves over the points until one is near, and clicks it.
async function openARow(page) {
  const plot = await box(page, '#requests .u-over');
  for (let at = 0.05; at < 1; at += 0.02) {
    for (const up of [0.75, 0.6, 0.45, 0.3]) {
      await page.mouse.click(plot.x + plot.width * at, plot.y + plot.height * up);
      if (await page.$('dialog[open]')) {
        await see(page, 'Gaps between chunks');
        await browser.judge(page, 'row');
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { hidden: true });
        return;
      }
    }
  }
  throw new Error('no point opened its row');
}

async function theHistory(page, { id }) {
  const result = await (await fetch(`${server.base}api/v1/benchmarks/${id}/report?format=json`)).json();
  const { name, id: newest } = await nights(server, result, 30);
  await go(page, server.base, `#/run/${newest}`);
  await see(page, 'Save as baseline');
  await press(page, '.toolbar > button', 'Save as baseline');
  await page.type('#keep-session', 'today');
  await press(page, 'dialog button', 'Save');
  await see(page, 'Saved.');
  await go(page, server.base, '#/history');
  await see(page, 'stored baseline');
  await page.click(`a[href="#/history/${encodeURIComponent(name)}"]`);
  await see(page, 'Alarms and changes');
  await page.click('[aria-label="Promote session night-24"]');
  await page.waitForFunction(() => document.querySelector('tr.chosen')?.innerText.includes('night-24'));
  await press(page, 'button', 'Use all sessions again');
  await page.waitForFunction(() => !document.querySelector('tr.chosen'));
  say('thirty nights, a change found, a session promoted');
  return name;
}

async function aGate() {
  const asked = await server.ask('POST', 'benchmarks', { purpose: 'gate', title: 'gate of the change', settings: { ...SETTINGS, server: 'sim:?regression=ttft:+40%', hardware: 'sim:', rounds: '3' } });
  return finished(server, asked.id);
}

// Results of every verdict, as other machines send them.
async function verdicts() {
  const sent = [];
  for (const [file, title] of [['inconclusive', 'batch of 64'], ['invalid', 'two clients on one host'], ['errors', 'without retries'], ['pass', 'chunked prefill'], ['fail', 'new scheduler']]) {
    // As text: its seeds are larger than numbers here can be.
    const result = await readFile(`tests/fixtures/results/${file}.json`, 'utf8');
    sent.push(await server.ask('POST', `import?title=${encodeURIComponent(title)}`, result));
  }
  return sent[sent.length - 1];
}

async function comparing(page, first, gate) {
  await go(page, server.base, '#/');
  for (const title of ['first', 'second']) await page.click(`input[aria-label="Choose ${title} for a comparison"]`);
  await press(page, '.tray a', 'Compare');
  await see(page, 'Candidate: second');
  await page.waitForSelector('#candidate-0 .headline');
  await browser.judge(page, 'compare');
  await go(page, server.base, `#/compare?baseline=${first.id}&with=${gate.id}`);
  await page.waitForSelector('#candidate-0 .headline');
  say('a comparison from the list');
}

async function everyPage(page, [first, gate], baseline, others) {
  const pages = [['runs', '#/'], ['new', `#/new?from=${first.id}`], ['result', `#/run/${first.id}`], ['gate', `#/run/${gate.id}`], ['compare', `#/compare?baseline=${first.id}&with=${others[0].id}`], ['history', '#/history'], ['workload', `#/history/${encodeURIComponent(baseline)}`], ['gpu', '#/gpu'], ['recommend', '#/recommend'], ['key', '#/key'], ['nowhere', '#/nowhere']];
  for (const [name, hash] of pages) {
    await go(page, server.base, hash);
    if (name === 'recommend') {
      await page.type('#r-users', '200');
      await page.click('form.ask button[type=submit]');
      await page.waitForSelector('#options tbody tr');
    }
    await browser.judge(page, `${name}, light, English`);
    await picture(page, `${name}-light`);
    await page.click('.tools button[aria-label="Dark theme"]');
    await browser.judge(page, `${name}, dark, English`, ['color-contrast']);
    await picture(page, `${name}-dark`);
    await page.click('.tools button[lang=ko]');
    await page.waitForFunction(() => document.documentElement.lang === 'ko');
    await page.waitForFunction(() => !document.querySelector('.wait'));
    await browser.judge(page, `${name}, dark, Korean`);
    await page.click('.tools button[aria-label="밝은 테마"]');
    await browser.judge(page, `${name}, light, Korean`, ['color-contrast']);
    await page.click('.tools button[lang=en]');
  }
  say(`${pages.length} pages in both themes and both languages`);
}

async function keysAndFocus(page) {
  await go(page, server.base, '#/');
  await see(page, 'first');
  await page.keyboard.press('Tab');
  equal(await page.evaluate(() => document.activeElement.className), 'skip', 'the first stop skips to the content');
  for (let stop = 0; stop < 25; stop += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return { is: document.activeElement.outerHTML.slice(0, 100), outline: outlineStyle !== 'none' && outlineWidth !== '0px' };
    });
    ok(seen.outline, `the focus is seen on ${seen.is}`);
  }
  await page.keyboard.press('Escape');
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await browser.judge(page, 'keys');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { hidden: true });
  await page.keyboard.press('/');
  await page.keyboard.type('second');
  await page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 1);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await see(page, 'Plan and environment');
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await see(page, 'stored baseline');
  say('keys, and a focus that is seen');
}

// A hundred thousand points, which the server would thin out, are drawn all at once; frames are counted while one drags.
async function manyPoints(page, { id }) {
  const n = 100_000;
  const column = (of) => Array.from({ length: n }, (_, at) => of(at));
  const body = JSON.stringify({ level: 'rate=60', total: n, thinned: false, row: column((at) => at), round: column(() => 1), at_s: column((at) => at / 1000), ttft_ms: column((at) => 20 + ((at * 7919) % 1000) / 20), e2e_ms: column(() => 500), max_stall_ms: column(() => 15), prompt_tokens: column(() => 64), output_tokens: column(() => 24), outcome: column((at) => (at % 997 ? 'success' : 'timeout')) });
  await page.setRequestInterception(true);
  const answer = (request) => (request.url().includes('/points') ? request.respond({ contentType: 'application/json', body }) : request.continue());
  page.on('request', answer);
  await go(page, server.base, `#/run/${id}`);
  await see(page, '100,000 requests');
  const plot = await box(page, '#requests .u-over');
  await page.evaluate(() => {
    window.frames_ms = [];
    let last = performance.now();
    const count = (now) => { window.frames_ms.push(now - last); last = now; window.counting = requestAnimationFrame(count); };
    requestAnimationFrame(count);
  });
  await page.mouse.move(plot.x + 50, plot.y + 50);
  await page.mouse.down();
  for (let step = 0; step < 30; step += 1) await page.mouse.move(plot.x + 50 + step * 12, plot.y + 80);
  await page.mouse.up();
  await new Promise((done) => setTimeout(done, 500));
  const frames = (await page.evaluate(() => { cancelAnimationFrame(window.counting); return window.frames_ms; })).sort((left, right) => left - right);
  page.off('request', answer);
  await page.setRequestInterception(false);
  const of = (q) => frames[Math.floor(frames.length * q)].toFixed(0);
  say(`100,000 points: ${frames.length} frames while zooming, p50 ${of(0.5)} ms, p95 ${of(0.95)} ms, longest ${frames[frames.length - 1].toFixed(0)} ms`);
  ok(frames[frames.length - 1] < 3000, 'no frame hangs');
}

async function deleting(page, { id }) {
  await go(page, server.base, `#/run/${id}`);
  await see(page, 'Plan and environment');
  await press(page, '.head button', 'Delete');
  await browser.judge(page, 'delete');
  await press(page, 'dialog button', 'Delete');
  await page.waitForFunction(() => location.hash === '#/');
  equal((await fetch(`${server.base}api/v1/benchmarks/${id}`)).status, 404);
  say('deleted, after a question');
}

async function onThePhone(gate, baseline) {
  const phone = await browser.open({ width: 390, height: 844 });
  for (const [name, hash] of [['runs', '#/'], ['new', '#/new'], ['gate', `#/run/${gate.id}`], ['workload', `#/history/${encodeURIComponent(baseline)}`], ['recommend', '#/recommend']]) {
    await go(phone, server.base, hash);
    await browser.judge(phone, `${name} on a phone`);
    await picture(phone, `${name}-phone`);
  }
  await phone.close();
  say('nothing is wider than a phone');
}

async function lostAndFound(page) {
  await go(page, server.base, '#/');
  await see(page, 'first');
  expect('ERR_CONNECTION_REFUSED');
  await server.stop();
  await page.evaluate(() => { location.hash = '#/history'; });
  await see(page, 'The server does not answer.');
  const again = await start(path.resolve(binary), path.join(root, 'data'), server.port);
  server.stop = again.stop;
  await press(page, 'button', 'Try again');
  await see(page, 'stored baseline');
  say('a lost server is said, and found again');
}

async function aKey(page) {
  const data = path.join(root, 'locked');
  const key = makeKey(path.resolve(binary), data);
  const locked = await start(path.resolve(binary), data);
  expect('status of 401');
  expect('answer: 401');
  await go(page, locked.base, '#/');
  await see(page, 'This server needs a key');
  await browser.judge(page, 'needs a key');
  await page.type('#key', 'llt_wrong');
  await press(page, 'button', 'Continue');
  await page.waitForSelector('.trouble');
  await page.evaluate(() => { document.querySelector('#key').value = ''; });
  await page.type('#key', key);
  await press(page, 'button', 'Continue');
  await see(page, 'Nothing has been measured yet');
  await see(page, 'check (admin)');
  const { id } = await locked.ask('POST', 'benchmarks', { settings: { ...SETTINGS, rate: '40', 'num-prompts': '40' }, title: 'with a key' }, key);
  await page.evaluate((run) => { location.hash = `#/run/${run}`; }, id);
  await see(page, 'Plan and environment', 20000);
  await page.waitForFunction(() => !document.querySelector('.wait'));
  await locked.stop();
  say('a key is asked for, refused, taken, and followed over the socket');
}
