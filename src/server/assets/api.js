// Talks to the server: JSON, problems, downloads and the key. The key lives in this tab's session storage only.
const KEY = 'llt.key';

export class Problem extends Error {
  constructor(document) {
    super(document.detail);
    this.status = document.status;
    this.title = document.title;
    this.detail = document.detail;
    this.hint = document.hint ?? null;
    this.field = document.field ?? null;
    this.request = document.request ?? null;
  }
}

export function key() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function setKey(value) {
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser without session storage can use servers without keys.
  }
}

const headers = () => (key() ? { authorization: `Bearer ${key()}` } : {});
export const address = (path) => new URL(`api/v1/${path}`, document.baseURI).href;

// ?a=1&b=2 from the values that say something.
export function query(values) {
  const said = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(said).toString();
  return text ? `?${text}` : '';
}

async function ask(method, path, body, signal) {
  let response;
  try {
    response = await fetch(address(path), {
      method,
      signal,
      headers: body === undefined ? headers() : { ...headers(), 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ status: 0, title: 'no answer', detail: String(error.message) });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const plain = { status: response.status, title: response.statusText, detail: `${response.status} ${response.statusText}` };
  try {
    return new Problem({ ...plain, ...(await response.json()) });
  } catch {
    return new Problem(plain);
  }
}

async function json(method, path, body, signal) {
  const response = await ask(method, path, body, signal);
  return response.status === 204 ? null : response.json();
}

export const get = (path, signal) => json('GET', path, undefined, signal);
export const post = (path, body) => json('POST', path, body ?? {});
export const del = (path) => json('DELETE', path);

// Saves what a path answers under a name. With a key the browser cannot follow a plain link, so the bytes go through us.
export async function download(path, name) {
  const response = await ask('GET', path);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Follows a benchmark's events over a WebSocket, and again after it broke, with growing pauses. `hear` gets each event,
// `stand` the state of the connection. The answer ends it.
export function follow(id, hear, stand) {
  let socket = null;
  let over = false;
  let tries = 0;
  let timer = 0;
  const open = () => {
    const url = new URL(`ws/benchmark/${encodeURIComponent(id)}`, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const protocols = ['llm-loadtest.v1', ...(key() ? [`bearer.${key()}`] : [])];
    stand(tries ? 'again' : 'opening');
    socket = new WebSocket(url, protocols);
    socket.addEventListener('open', () => {
      tries = 0;
      stand('open');
    });
    socket.addEventListener('message', (message) => hear(JSON.parse(message.data)));
    socket.addEventListener('close', () => {
      if (over) return;
      tries += 1;
      stand('lost');
      timer = setTimeout(open, Math.min(15000, 250 * 2 ** tries) * (0.75 + Math.random() / 2));
    });
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close();
  };
}
