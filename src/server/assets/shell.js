// Lines of a shell to settings and back: how a benchmark's command becomes a filled form.

// Words of a line as a shell splits them: single and double quotes, backslashes outside single quotes.
export function words(line) {
  const found = [];
  let word = null;
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at];
    if (quote) {
      if (letter === quote) quote = '';
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= '';
    } else if (letter === '\\') {
      at += 1;
      word = (word ?? '') + (line[at] ?? '');
    } else if (/\s/.test(letter)) {
      if (word !== null) found.push(word);
      word = null;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (word !== null) found.push(word);
  return found;
}

// `llm-loadtest gate --rate 2,4 --stream` → { purpose: 'gate', settings: { rate: '2,4', stream: 'true' } }. `rows` are the
// known settings. Values that repeat stand on lines of their own.
export function settingsOf(line, rows) {
  const all = words(line);
  const known = new Map(rows.map((row) => [row.key, row]));
  const settings = {};
  const set = (key, value) => {
    if (known.has(key)) settings[key] = known.get(key).repeats && key in settings ? `${settings[key]}\n${value}` : value;
  };
  for (let at = 1; at < all.length; at += 1) {
    const flag = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(all[at]);
    if (!flag) continue;
    const [, name, value] = flag;
    if (value !== undefined) set(name, value);
    else if (known.get(name)?.switch) set(name, 'true');
    else if (name.startsWith('no-') && known.get(name.slice(3))?.switch) set(name.slice(3), 'false');
    else set(name, all[(at += 1)] ?? '');
  }
  return { purpose: all[1] === 'gate' ? 'gate' : 'run', settings };
}

// What the server is sent: switches as such, several lines as a list, everything else as text, empty fields not at all.
export function askOf(form, rows) {
  const known = new Map(rows.map((row) => [row.key, row]));
  const settings = {};
  for (const [key, text] of Object.entries(form.settings)) {
    if (text === '' || text === null || text === undefined) continue;
    const row = known.get(key);
    const lines = String(text).split('\n').filter((line) => line !== '');
    if (row?.switch) settings[key] = text === 'true';
    else settings[key] = row?.repeats && lines.length > 1 ? lines : String(text);
  }
  const ask = { purpose: form.purpose, settings };
  if (form.title) ask.title = form.title;
  if (form.commit) ask.commit = form.commit;
  return ask;
}
