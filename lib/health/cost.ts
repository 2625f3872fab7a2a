/** What looks cost beside steps, counted rather than timed: the same run is looked at at the same steps on every machine. */
import { needed } from "../compile/graph.js";
import type { Tensor } from "../tensor.js";
import type { StepParts } from "../train/observer.js";

/** Looks may take so much of a run. */
const share = 0.005;
/** There are at least so many, whatever they cost, and at most so many. */
const [fewest, most] = [4, 10];

/**
 * Nanoseconds of one core: per element and call, per floating-point operation of a product, and of a look in JavaScript.
 * `npm run -s bench -- doctor --costs` holds what they give against processor time. They count against each other: steps take
 * about as much on a Zen 3 with AVX2, and a fourth of it on a Zen 5 with AVX-512. Looks are counted at what they take within a
 * run, two to four times what is found there, where one follows the other at once.
 */
const [element, call, operation, judging, judgingLayer] = [0.1, 500, 1 / 60, 1_200_000, 20_000];
/** What a step that follows no other at once loses of itself, and at most: threads sleep, and caches are cold. */
const [cold, coldest] = [0.3, 600_000];

/** Of a product (M, K)·(K, N): 2MNK operations, with K² = MK·KN/MN. */
const operations = ({ inputs: [a, b], size }: Tensor): number => 2 * size * Math.sqrt((a.size * b.size) / size);

function costOf(node: Tensor): number {
  if (node.inputs.length === 0 || node.op.kind === "alias" || node.size === 0) return 0;
  return call + element * node.size + (node.op.name === "matmul" ? operation * operations(node) : 0);
}

/**
 * What a step costs, and a look beside it, in nanoseconds.
 * @param looked what a look reads beside the step's own, made after it
 */
export function costs({ step: { outputs, effects } }: StepParts, looked: readonly Tensor[], layers: number) {
  const own = [...Object.values(outputs), ...effects.map(({ value }) => value)];
  const last = Math.max(...own.map(({ id }) => id));
  let [plain, read] = [0, 0];
  const seen = new Set<Tensor>();
  const open = [...own, ...looked];
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.id <= last) plain += costOf(node);
    else read += costOf(node);
    for (let i = 0; i < needed(node); i++) open.push(node.inputs[i]);
  }
  return { plain, look: judging + judgingLayer * layers + Math.min(cold * plain, coldest) + read };
}

/**
 * Steps from one look to the next.
 * @param total steps of the run
 */
export function spacing(total: number, parts: StepParts, looked: readonly Tensor[], layers: number): number {
  const { plain, look } = costs(parts, looked, layers);
  return Math.max(10, Math.ceil(total / most), Math.ceil(Math.min(total / fewest, look / (share * plain))));
}
