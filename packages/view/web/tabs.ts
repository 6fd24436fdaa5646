import { byId, h } from './dom.js';

export interface Panel {
  readonly element: HTMLElement;
  show(): void;
  hide(): void;
}

export interface Tab {
  readonly id: string;
  readonly name: string;
  readonly panel: Panel;
}

/** Panels of which one is shown. */
export class Tabs {
  private readonly buttons: HTMLButtonElement[];
  private current = -1;

  constructor(private readonly tabs: readonly Tab[]) {
    this.buttons = tabs.map(({ id, name }, i) =>
      h(
        'button',
        {
          id: `tab-${id}`,
          role: 'tab',
          title: `${name} (${i + 1})`,
          aria: { controls: `panel-${id}`, selected: 'false' },
          onClick: () => this.open(i),
        },
        name,
      ),
    );
    const list = byId('tabs');
    list.replaceChildren(...this.buttons);
    list.addEventListener('keydown', (event) => {
      const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (by === 0) return;
      event.preventDefault();
      event.stopPropagation();
      this.open((this.current + by + tabs.length) % tabs.length);
      this.buttons[this.current]!.focus();
    });
    const panels = tabs.map(({ id, panel }) => {
      const { element } = panel;
      element.id = `panel-${id}`;
      element.setAttribute('role', 'tabpanel');
      element.setAttribute('aria-labelledby', `tab-${id}`);
      element.hidden = true;
      return element;
    });
    byId('panels').replaceChildren(...panels);
    this.open(0);
  }

  open(number: number): void {
    const next = this.tabs[number];
    if (next === undefined || number === this.current) return;
    const last = this.tabs[this.current];
    if (last !== undefined) {
      last.panel.element.hidden = true;
      last.panel.hide();
    }
    this.current = number;
    this.buttons.forEach((button, i) => {
      button.setAttribute('aria-selected', String(i === number));
      button.tabIndex = i === number ? 0 : -1;
    });
    next.panel.element.hidden = false;
    next.panel.show();
  }

  openNamed(id: string): void {
    this.open(this.tabs.findIndex((tab) => tab.id === id));
  }
}
