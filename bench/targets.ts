/** What evengrad is to reach: goals by suite and case, in one table. */
import { isSpeed } from "./suite.js";

/** What a case is judged by. */
export type Goal =
  /** Times better than the best of some peers; of all that ran unless named. */
  | { readonly ratio: number; readonly peers?: readonly string[] }
  /** The geometric mean of the cases' ratios, to the best peer of each or to each single one of them. */
  | { readonly meanRatio: number; readonly to: "the best" | "every single one" }
  /** A value in the case's unit: at most, or at least where more is better. */
  | { readonly value: number };

export interface Target {
  readonly suite: string;
  /** All of the suite's unless named. */
  readonly cases?: readonly string[];
  /** Numbers of threads it holds for; any unless told. */
  readonly threads?: readonly number[];
  readonly goal: Goal;
}

const torch = ["torch", "torch-avx512"];

const ratios = (suite: string, goals: Readonly<Record<string, number>>, threads?: readonly number[]): Target[] =>
  Object.entries(goals).map(([name, ratio]) => ({ suite, cases: [name], threads, goal: { ratio, peers: torch } }));

export const targets: readonly Target[] = [
  ...[1, 2].flatMap((n): Target[] => [
    { suite: "gemm", threads: [n], goal: { ratio: 0.95 } },
    { suite: "gemm", threads: [n], goal: { meanRatio: 1, to: "the best" } },
    { suite: "gemm", threads: [n], goal: { meanRatio: 1.1, to: "every single one" } },
  ]),
  ...ratios(
    "elementwise",
    { relu: 1, sigmoid: 1.6, tanh: 4, gelu: 1.2, exp: 1.4, log: 1.4, softmax: 1.7, layerNorm: 2.5 },
    [1],
  ),
  ...ratios("sampling", { uniform: 5, normal: 4, dropout: 20 }, [1]),
  { suite: "init", cases: ["qr"], goal: { ratio: 0.5, peers: ["lapack"] } },
  ...ratios("optimizer", { adam: 4, clip: 2 }, [1]),
  ...ratios("step", { a64: 1.5, a256: 1.4, b: 15, c: 2 }),
  { suite: "step", cases: ["b"], goal: { value: 8 } },
  // 0.8 s where PyTorch takes 1.26 s.
  ...ratios("epoch", { "fashion-mnist": 1.575 }),
  { suite: "loop", cases: ["p99"], goal: { value: 3 } },
  { suite: "contended", cases: ["a64", "c"], goal: { value: 0.4 } },
  { suite: "memory", goal: { ratio: 1, peers: torch } },
  { suite: "startup", cases: ["import-esm", "import-cjs"], goal: { value: 10 } },
  { suite: "startup", cases: ["addon"], goal: { value: 1.2e6 } },
  { suite: "startup", cases: ["installed"], goal: { value: 1.7e6 } },
];

/** A goal in words. */
export function wording(goal: Goal, unit: string): string {
  if ("ratio" in goal)
    return `≥ ${goal.ratio}× ${goal.peers === torch ? "PyTorch" : (goal.peers?.join(", ") ?? "the best peer")}`;
  if ("meanRatio" in goal) return `geometric mean ≥ ${goal.meanRatio}× ${goal.to} of the peers`;
  return `${isSpeed(unit) ? "≥" : "≤"} ${goal.value} ${unit}`;
}
