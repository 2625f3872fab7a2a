/** Numbers and names as tables and reports write them. */

/** A few digits, whatever the size: 0.0123, 4.6, 1.2e-9. */
export function number(x: number, digits = 3): string {
  if (x === 0 || !Number.isFinite(x)) return `${x}`;
  const size = Math.abs(x);
  if (size >= 1e-3 && size < 1e5) return `${Number(x.toPrecision(digits))}`;
  return x.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
}

/** A share as a percentage; one that is small but not 0 stays visible. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return "NaN";
  const value = 100 * share;
  return value > 0 && value < 0.1 ? "< 0.1 %" : `${Number(value.toFixed(value < 10 ? 1 : 0))} %`;
}

/** From one number to another. */
export function change(from: number, to: number, digits = 3): string {
  const [a, b] = [number(from, digits), number(to, digits)];
  return a === b ? a : `${a} → ${b}`;
}

/** A layer by the path of its weight, in at most `width` letters: the middle goes first. */
export function layerName(path: string, width = 18): string {
  const name = path.replace(/\.?weight$/, "") || "(model)";
  if (name.length <= width) return name;
  const head = Math.floor((width - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (width - 1 - head))}`;
}

/** With a capital at its beginning. */
export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A rule's or repair's name as a heading. */
export const heading = (name: string): string =>
  capital(name.replaceAll("-", " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));

/** How many of something, in words. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Where a finding was made. */
export const when = (step: number): string => (step === 0 ? "before the first step" : `step ${step}`);
