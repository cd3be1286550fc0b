// What the viewer chose, kept in this browser: theme, language, single-key shortcuts. Who listens is told of changes.
const listeners = new Set();

function stored(name) {
  try {
    return localStorage.getItem(`llt.${name}`);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`llt.${name}`, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export const prefs = {
  theme: document.documentElement.dataset.theme,
  language: stored('language') ?? (navigator.language.startsWith('ko') ? 'ko' : 'en'),
  shortcuts: stored('shortcuts') !== 'off',
};

// The theme follows the system until somebody chooses one.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
  if (!stored('theme')) apply('theme', event.matches ? 'dark' : 'light');
});

function apply(name, value) {
  prefs[name] = value;
  if (name === 'theme') document.documentElement.dataset.theme = value;
  if (name === 'language') document.documentElement.lang = value;
  for (const listener of listeners) listener(name);
}

export function choose(name, value) {
  keep(name, value === true ? 'on' : value === false ? 'off' : value);
  apply(name, value);
}

// Calls back on every change; answers with the way to stop that.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

document.documentElement.lang = prefs.language;
