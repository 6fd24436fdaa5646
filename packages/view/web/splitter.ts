/** The bar between timeline and panels. */

const STEP = 24;
const LEAST = 120;

export class Splitter {
  constructor(
    private readonly bar: HTMLElement,
    private readonly below: HTMLElement,
  ) {
    bar.addEventListener('pointerdown', (event) => {
      bar.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    bar.addEventListener('pointermove', (event) => {
      if (bar.hasPointerCapture(event.pointerId)) {
        this.resize(window.innerHeight - event.clientY);
      }
    });
    bar.addEventListener('keydown', (event) => {
      const by = event.key === 'ArrowUp' ? STEP : event.key === 'ArrowDown' ? -STEP : 0;
      if (by === 0) return;
      event.preventDefault();
      event.stopPropagation();
      this.resize(this.below.clientHeight + by);
    });
  }

  private resize(height: number): void {
    const most = window.innerHeight - 2 * LEAST;
    const fitting = Math.round(Math.max(LEAST, Math.min(height, most)));
    this.below.style.flexBasis = `${fitting}px`;
    this.bar.setAttribute('aria-valuenow', String(fitting));
  }
}
