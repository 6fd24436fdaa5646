/** Elements without ceremony. Text is always set as text: what a log holds never becomes markup. */

type Child = Node | string | undefined;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly id?: string;
  readonly role?: string;
  readonly type?: string;
  readonly aria?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly tabIndex?: number;
  readonly onClick?: (event: MouseEvent) => void;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { class: name, aria, data, onClick, title, id, role, type, tabIndex }: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name !== undefined) element.className = name;
  if (title !== undefined) element.title = title;
  if (id !== undefined) element.id = id;
  if (role !== undefined) element.setAttribute('role', role);
  if (type !== undefined) element.setAttribute('type', type);
  if (tabIndex !== undefined) element.tabIndex = tabIndex;
  for (const [key, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(data ?? {})) element.dataset[key] = value;
  if (onClick !== undefined) element.addEventListener('click', onClick as EventListener);
  for (const child of children) if (child !== undefined) element.append(child);
  return element;
}

/** The element with this id, which the page has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** A place where there is nothing to show, and why. */
export function emptyState(title: string, text: string): HTMLElement {
  return h('div', { class: 'empty' }, h('strong', {}, title), h('p', {}, text));
}

/** Fits a canvas to its size on the screen; returns its context, in CSS pixels, cleared. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number) {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(width * ratio));
  const t = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== t) {
    canvas.width = w;
    canvas.height = t;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
