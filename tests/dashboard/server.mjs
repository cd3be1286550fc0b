// The server under test: the real binary with a folder of its own, and what the checks need to find in it.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

export async function start(binary, data, port = 0) {
  const at = port || await freePort();
  const child = spawn(binary, ['serve', '--listen', `127.0.0.1:${at}`, '--data', data, '--log-level', 'warn'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const base = `http://127.0.0.1:${at}/`;
  for (let turn = 0; turn < 200; turn += 1) {
    if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`);
    if (await fetch(`${base}health`).then((answer) => answer.ok).catch(() => false)) return { base, port: at, stop: () => stop(child), ask: (method, path, body, key) => ask(base, method, path, body, key) };
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('serve does not answer');
}

async function stop(child) {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function ask(base, method, path, body, key) {
  const answer = await fetch(`${base}api/v1/${path}`, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(key ? { authorization: `Bearer ${key}` } : {}) }, body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

export async function finished(server, id) {
  for (;;) {
    const { benchmark } = await server.ask('GET', `benchmarks/${id}?result=false`);
    if (benchmark.failure) throw new Error(`${benchmark.title}: ${benchmark.failure.message}`);
    if (!['queued', 'running'].includes(benchmark.state)) return benchmark;
    await new Promise((done) => setTimeout(done, 100));
  }
}

// Nights of one workload out of one result: as noisy as real ones, faster from the 11th on and slower from the 25th. All
// but the last are stored as sessions of a baseline. The machine of the checks may be busy, which its nights were not.
export async function nights(server, result, count) {
  let name = null;
  for (let night = 0; night <= count; night += 1) {
    const copy = structuredClone(result);
    copy.findings = [];
    copy.created = new Date(Date.UTC(2026, 0, 1 + night, 2)).toISOString().replace('.000', '');
    const factor = (night < 10 ? 1 : night < 24 ? 0.85 : 0.95) * (1 + 0.01 * Math.sin(night * 7.7));
    for (const level of [...copy.levels, ...copy.rounds.flatMap((round) => round.levels)]) {
      for (const name of ['series', 'points', 'histograms', 'observed']) delete level[name];
      for (const [id, metric] of Object.entries(level.metrics)) {
        if (id.startsWith('ttft')) for (const name of ['mean', 'min', 'max', 'p50', 'p90', 'p95', 'p99']) if (metric[name] !== null) metric[name] *= factor;
      }
    }
    const commit = `${night.toString(16).padStart(4, '0')}${'5eed'.repeat(9)}`;
    const { id } = await server.ask('POST', `import?title=nightly&commit=${commit}`, copy);
    if (night === count) return { name, id };
    ({ name } = await server.ask('POST', 'baselines', { benchmark: id, session: `night-${night + 1}` }));
  }
  return null;
}

export const makeKey = (binary, data) => execFileSync(binary, ['serve', 'key', 'create', '--name', 'check', '--scope', 'admin', '--data', data], { encoding: 'utf8' }).match(/llt_\S+/)[0];
