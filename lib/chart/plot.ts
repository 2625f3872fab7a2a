/** What charts with two axes share: the place of a value, grid, ticks and labels. */
import { checkNumber } from "../error.js";
import { type Axis, scaleOf } from "./axis.js";
import { element, label, path } from "./svg.js";

/** How wide a chart is unless told. */
export const usualWidth = 760;
const [left, right, bottom] = [72, 20, 48];

/** A width that leaves room for axes. */
export function checkedWidth(op: string, width: number = usualWidth): number {
  checkNumber(op, "width", width, { min: 200, max: 10_000 });
  return width;
}

/** Between the axes. */
export interface Plot {
  readonly x0: number;
  readonly y0: number;
  readonly width: number;
  readonly height: number;
  /** Place of a value on an axis, or undefined for what cannot be shown. */
  across(value: number): number | undefined;
  up(value: number): number | undefined;
  horizontal(at: number, kind: string): string;
  vertical(at: number, kind: string): string;
  /** Grid, axes and their words. */
  readonly body: readonly string[];
  /** Of the whole picture. */
  readonly pictureHeight: number;
}

/** Lays out a plot below `y0` in a picture of a width, with scales for the given values. */
export function plotOf(
  axes: { x: Axis; y: Axis },
  [xs, ys]: readonly [readonly number[], readonly number[]],
  { width, y0, height = Math.min(300, Math.round(width / 2)) }: { width: number; y0: number; height?: number },
): Plot {
  const plotWidth = width - left - right;
  const [x, y] = [
    scaleOf(axes.x, xs, Math.max(3, Math.round(plotWidth / 84))),
    scaleOf(axes.y, ys, Math.min(6, Math.round(height / 32))),
  ];
  const map = (share: number | undefined, f: (s: number) => number): number | undefined =>
    share === undefined ? undefined : f(share);
  const across = (value: number): number | undefined => map(x.at(value), (s) => left + s * plotWidth);
  const up = (value: number): number | undefined => map(y.at(value), (s) => y0 + (1 - s) * height);
  const line = (from: readonly [number, number], to: readonly [number, number], kind: string): string =>
    element("path", { class: kind, d: path([from, to]) });
  const horizontal = (at: number, kind: string): string => line([left, at], [left + plotWidth, at], kind);
  const vertical = (at: number, kind: string): string => line([at, y0], [at, y0 + height], kind);
  const body: string[] = [];
  for (const { value, text } of y.ticks) {
    const at = up(value) as number;
    body.push(horizontal(at, "g"), label(text, left - 8, at + 4, { class: "e" }));
  }
  for (const { value, text } of x.ticks) {
    const at = across(value) as number;
    body.push(vertical(at, "g"), label(text, at, y0 + height + 17, { class: "m" }));
  }
  const pictureHeight = y0 + height + bottom;
  const middle = y0 + height / 2;
  body.push(horizontal(y0 + height, "a"), vertical(left, "a"));
  body.push(label(axes.x.label, left + plotWidth / 2, pictureHeight - 10, { class: "m" }));
  body.push(label(axes.y.label, 16, middle, { class: "m", transform: `rotate(-90 16 ${middle})` }));
  return { x0: left, y0, width: plotWidth, height, across, up, horizontal, vertical, body, pictureHeight };
}
