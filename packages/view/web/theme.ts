/** Colours of the canvases, from the style sheet, so that light and dark are told in one place. */
import { CATEGORIES } from '../src/model/categories.js';

export interface Theme {
  readonly categories: readonly string[];
  readonly onCategories: readonly string[];
  readonly text: string;
  readonly muted: string;
  readonly faint: string;
  readonly line: string;
  readonly strong: string;
  readonly panel: string;
  readonly lane: string;
  readonly running: string;
  readonly waiting: string;
  readonly failed: string;
  readonly accent: string;
  readonly selection: string;
  readonly mark: string;
  readonly sans: string;
  readonly mono: string;
}

let current: Theme | undefined;

export function theme(): Theme {
  return (current ??= read());
}

/** Calls `changed` whenever the colours do. */
export function onThemeChange(changed: () => void): void {
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    current = undefined;
    changed();
  });
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    categories: CATEGORIES.map(({ id }) => value(`c-${id}`)),
    onCategories: CATEGORIES.map(({ id }) => value(`on-${id}`)),
    text: value('text'),
    muted: value('muted'),
    faint: value('faint'),
    line: value('line'),
    strong: value('line-strong'),
    panel: value('panel'),
    lane: value('lane'),
    running: value('running'),
    waiting: value('waiting'),
    failed: value('failed'),
    accent: value('accent'),
    selection: value('selection'),
    mark: value('mark'),
    sans: value('sans'),
    mono: value('mono'),
  };
}
