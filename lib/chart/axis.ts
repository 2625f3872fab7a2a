/** Axes: from values to places, with round numbers as ticks. */

/** What an axis shows. */
export interface Axis {
  /** What the values are, with their unit. */
  readonly label: string;
  /** Equal distances are equal factors; values that are not above 0 are left out. False unless told. */
  readonly log?: boolean;
  /** Ticks at whole numbers alone, as for what is counted. False unless told. */
  readonly whole?: boolean;
  /** Bounds that the data alone would not give. */
  readonly min?: number;
  readonly max?: number;
}

/** An axis with its bounds. */
export interface Scale {
  /** Share of the way along the axis, or undefined for what cannot be shown. */
  at(value: number): number | undefined;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** The smallest of 1, 2, 5 × 10ⁿ that is at least a step. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((m) => m * power >= step * (1 - 1e-9)) ?? 10) * power;
}

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = (exponent: number): string =>
  exponent === 0
    ? "1"
    : `10${exponent < 0 ? "⁻" : ""}${[...`${Math.abs(exponent)}`].map((d) => superscripts[+d]).join("")}`;

/** A number that is short, whatever its size. */
const plain = (x: number): string =>
  x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e6) ? x.toExponential().replace("e+", "e") : `${x}`;

/** A scale over values that are finite (and above 0 on a log axis), with about `count` ticks. */
export function scaleOf(
  { log = false, whole = false, min, max }: Axis,
  values: Iterable<number>,
  count: number,
): Scale {
  const warp = (x: number): number => (log ? Math.log10(x) : x);
  const place = (x: number): number | undefined => (Number.isFinite(warp(x)) ? warp(x) : undefined);
  let [low, high] = [min === undefined ? Infinity : warp(min), max === undefined ? -Infinity : warp(max)];
  for (const value of values) {
    const x = place(value);
    if (x === undefined) continue;
    if (min === undefined) low = Math.min(low, x);
    if (max === undefined) high = Math.max(high, x);
  }
  if (!Number.isFinite(low)) low = Number.isFinite(high) ? high - 1 : 0;
  if (!Number.isFinite(high) || high <= low) high = low + 1;
  const step = Math.max(log || whole ? 1 : 0, roundStep((high - low) / count));
  if (min === undefined) low = Math.floor(low / step + 1e-9) * step;
  if (max === undefined) high = Math.ceil(high / step - 1e-9) * step;
  const first = Math.ceil(low / step - 1e-9);
  const ticks = Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => {
    const x = (first + i) * step;
    return log ? { value: 10 ** x, text: power(x) } : { value: x, text: plain(Number(x.toPrecision(10))) };
  });
  return {
    at(value) {
      const x = place(value);
      return x === undefined || x < low - 1e-9 || x > high + 1e-9 ? undefined : (x - low) / (high - low);
    },
    ticks,
  };
}
