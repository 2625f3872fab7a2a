/** The section of curves: loss, gradient norm and metrics through the run. */
import { type Axis, lines, type Series } from "../../chart/index.js";
import type { EpochRecord, History } from "../../train/history.js";
import { capital } from "../words.js";
import { chartWidth, type Picture, type Section } from "./section.js";
import { thinned } from "./thin.js";

type Points = [x: number, y: number][];

/** Where values are all above 0 and span so much that a linear axis would hide the small ones. */
function needsLog(series: readonly Series[]): boolean {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  return values.length > 0 && Math.min(...values) > 0 && Math.max(...values) > 30 * Math.min(...values);
}

function curve(
  title: string,
  x: Axis,
  series: readonly Series[],
  marks: Parameters<typeof lines>[0]["marks"] = [],
  range: { min?: number; max?: number } = {},
): string {
  const y = { label: "", log: needsLog(series), ...range };
  return lines({ title: y.log ? `${title}, log scale` : title, x, y, series, marks, width: chartWidth });
}

/** A dotted line at each step at which something was found: numbers as in the section of findings. */
function marksOf({ health, losses }: History): { axis: "x"; at: number; text: string }[] {
  const at = new Map<number, number[]>();
  for (const [i, { step }] of (health?.findings ?? []).entries())
    if (step > 0 && step < losses.length) at.set(step, [...(at.get(step) ?? []), i + 1]);
  return [...at].map(([step, list]) => ({
    axis: "x",
    at: step,
    text: list.length > 3 ? `#${list[0]} …` : list.map((n) => `#${n}`).join(" "),
  }));
}

/** The values of epochs, each at its share of the epoch's steps: what is averaged stands in the middle, what is judged at the end. */
function byEpoch(
  epochs: readonly EpochRecord[],
  share: number,
  value: (epoch: EpochRecord) => number | undefined,
): Points {
  let begin = 0;
  return epochs.flatMap((epoch) => {
    const x = begin + share * epoch.steps;
    begin += epoch.steps;
    const y = value(epoch);
    return y === undefined ? [] : [[x, y] as [number, number]];
  });
}

/** Series that have points, each with the colour of its place. */
const drawn = (list: readonly Series[]): Series[] =>
  list.map((series, i) => ({ ...series, colour: i })).filter(({ points }) => points.length > 0);

export function curvesSection(history: History): Section | undefined {
  const { epochs, losses, gradNorms, health } = history;
  const pictures: Picture[] = [];
  const marks = marksOf(history);
  const several = epochs.length > 1;
  const steps: Axis = { label: "step", min: 0, max: Math.max(1, losses.length), whole: true };
  const byEpochs: Axis = { label: "epoch", min: 1, max: epochs.length, whole: true };
  const loss = drawn([
    { name: "each step", points: thinned(losses) },
    { name: "mean of epoch", points: several ? byEpoch(epochs, 0.5, (e) => e.loss) : [] },
    { name: "validation", points: byEpoch(epochs, 1, (e) => e.validation?.loss), dashed: true },
  ]);
  if (loss.length) pictures.push({ svg: curve("Loss", steps, loss, marks) });
  const norm = drawn([{ name: "each step", points: thinned(gradNorms) }]);
  if (norm.length) pictures.push({ svg: curve("Norm of the gradient", steps, norm, marks) });
  for (const name of Object.keys(epochs[0]?.metrics ?? {})) {
    const series = drawn([
      { name: "training", points: epochs.map((e) => [e.epoch, e.metrics[name]] as const) },
      {
        name: "validation",
        points: epochs.flatMap((e) => (e.validation ? [[e.epoch, e.validation.metrics[name]] as const] : [])),
        dashed: true,
      },
    ]);
    if (several) pictures.push({ svg: curve(capital(name), byEpochs, series) });
  }
  const shares = (health?.samples ?? []).flatMap((s) =>
    s.topClass === undefined ? [] : [[s.step, s.topClass] as const],
  );
  if (shares.length > 1) {
    const series = [{ name: "share of rows", points: shares }];
    pictures.push({ svg: curve("Rows given to the most frequent class", steps, series, [], { min: 0, max: 1 }) });
  }
  return pictures.length ? { id: "curves", title: "Curves", body: "", pictures } : undefined;
}
