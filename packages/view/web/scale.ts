/** Between times and pixels, and where the ruler's marks stand. */

export class Scale {
  constructor(
    readonly from: number,
    readonly to: number,
    readonly width: number,
  ) {}

  get resolution(): number {
    return (this.to - this.from) / this.width;
  }

  x(time: number): number {
    return ((time - this.from) / (this.to - this.from)) * this.width;
  }

  time(x: number): number {
    return this.from + (x / this.width) * (this.to - this.from);
  }
}

const MINUTE = 60e9;
const HOUR = 60 * MINUTE;
const LONG_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].map((s) => s * 1e9);
const HOUR_STEPS = [1, 2, 3, 6, 12, 24, 48, 96].map((hours) => hours * HOUR);

/** A round step of at least `least` ns. */
export function roundStep(least: number): number {
  if (least > 1e9) {
    return [...LONG_STEPS, ...HOUR_STEPS].find((step) => step >= least) ?? 240 * HOUR;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= least)! * power;
  return Math.max(1, Math.round(step));
}

const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
] as const;

/** A mark's text, with as many digits as its step needs. */
export function markText(time: number, step: number): string {
  if (step >= MINUTE || time >= HOUR) return clockText(time, step);
  if (time === 0) return '0';
  const [size, unit] = UNITS.find(([size]) => time >= size) ?? UNITS[3];
  const digits = Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9));
  return `${(time / size).toFixed(digits)} ${unit}`;
}

/** `1:02:03`, with a fraction if the step is below a second. */
function clockText(time: number, step: number): string {
  const digits = Math.max(0, Math.ceil(Math.log10(1e9 / step) - 1e-9));
  const parts = 10 ** digits;
  const all = Math.round((time / 1e9) * parts);
  const seconds = Math.floor(all / parts);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const fraction = digits === 0 ? '' : `.${String(all % parts).padStart(digits, '0')}`;
  return `${Math.floor(seconds / 3600)}:${clock}${fraction}`;
}
