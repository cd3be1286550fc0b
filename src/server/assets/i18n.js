// Words of the page in the viewer's language. What the server says (verdicts, findings, errors) stays as it says it.
import en from './i18n/en.js';
import ko from './i18n/ko.js';
import { prefs } from './prefs.js';

const TABLES = { en, ko };

// The words of a key; {name} stands for a value of `values`. Where n is 1, a key with `.one` goes before.
export function t(key, values) {
  const one = values?.n === 1 && `${key}.one` in en ? `${key}.one` : key;
  const text = TABLES[prefs.language]?.[one] ?? en[one] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole) : text;
}

// The words of a key where there are some, or `otherwise`.
export function tOr(key, otherwise) {
  return key in en ? t(key) : otherwise;
}
