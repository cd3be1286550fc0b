// What a benchmark under way says, gathered: its state, the level, ticks, notes, and how the connection stands.
import { useEffect, useReducer } from './vendor/htm-preact.js';
import { follow } from './api.js';

const TICKS_MAX = 4000;
const NOTES_MAX = 200;
const OVER = ['finished', 'failed', 'cancelled', 'interrupted'];

export const isOver = (benchmark) => OVER.includes(benchmark.state);

const EMPTY = { benchmark: null, level: null, done: [], ticks: [], notes: [], missed: 0, link: 'opening' };

function step(state, event) {
  switch (event.type) {
    case 'link':
      // A new connection is told everything again.
      return event.link === 'open' ? { ...EMPTY, benchmark: state.benchmark, link: 'open' } : { ...state, link: event.link };
    case 'state':
      return { ...state, benchmark: event.benchmark };
    case 'level':
      return { ...state, level: event, ticks: [] };
    case 'tick':
      return { ...state, ticks: bounded([...state.ticks, event]) };
    case 'level_end':
      return { ...state, ticks: bounded([...state.ticks, event]), done: [...state.done, { level: state.level, last: event }] };
    case 'note':
      return { ...state, notes: [...state.notes, event].slice(-NOTES_MAX) };
    case 'missed':
      return { ...state, missed: state.missed + event.messages };
    default:
      return state;
  }
}

// A long level keeps every second tick: its shape stays, memory does not grow.
const bounded = (ticks) => (ticks.length > TICKS_MAX ? ticks.filter((_, at) => at % 2 === 0) : ticks);

export function useLive(benchmark) {
  const [state, tell] = useReducer(step, { ...EMPTY, benchmark });
  const over = isOver(state.benchmark);
  useEffect(() => {
    if (over) return undefined;
    // Events of one frame are taken together, so that a burst draws once.
    let waiting = [];
    let frame = 0;
    const flush = () => {
      clearTimeout(frame);
      frame = 0;
      const all = waiting;
      waiting = [];
      all.forEach(tell);
    };
    const stop = follow(benchmark.id, (event) => {
      waiting.push(event);
      frame ||= setTimeout(flush, 60);
    }, (link) => {
      // What was said before the connection changed comes first: its end is often the end of the run.
      flush();
      tell({ type: 'link', link });
    });
    return () => {
      clearTimeout(frame);
      stop();
    };
  }, [benchmark.id, over]);
  return state;
}
