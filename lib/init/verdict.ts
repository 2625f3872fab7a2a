/** Verdicts on layers in plain words. */
import type { LayerAnalysis } from "./analyze.js";

/** A layer before its verdict. */
export interface Finding extends Omit<LayerAnalysis, "verdict"> {
  /** Whether its sums are the model's output. */
  readonly head: boolean;
  /** Whether it stands in a residual branch. */
  readonly branch: boolean;
}

/** A factor in words. */
const factor = (x: number): string => `× ${x >= 0.01 && x < 1e4 ? Number(x.toPrecision(2)) : x.toExponential(0)}`;

/** A variance or squared gradient that changed by more than this from end to end is trouble: 10 in size. */
const drift = 100;
/** Shares above which most of a layer is lost. */
const most = 0.5;

/**
 * The first thing that is wrong with each layer. Signals are compared with the first layer's, gradients with that of the
 * last hidden layer: both profiles on their own, since under ReLU one shrinks where the other grows and ratios of weight
 * gradients stay flat.
 */
export function judgeLayers(findings: readonly Finding[]): LayerAnalysis[] {
  const hidden = findings.filter(({ head }) => !head);
  const [first, last] = [hidden[0], hidden[hidden.length - 1]];
  const large = findings.some(({ variance, gradient }) => variance > 1e20 || gradient > 1e20);
  const reached = hidden.every(({ branch, variance }) => branch || variance > 0);
  return findings.map(({ head, branch, ...layer }): LayerAnalysis => {
    const signal = first ? layer.variance / first.variance : 1;
    const gradient = last ? layer.gradient / last.gradient : 1;
    const rules: [boolean, () => string][] = [
      [
        ![layer.variance, layer.gradient].every(Number.isFinite),
        () =>
          large
            ? "not finite: weights are far too large"
            : "not finite, though nothing is large: is the input, are the weights, is what activations make of them?",
      ],
      [
        head && layer.variance === 0 && layer.gradient > 0 && reached && first !== undefined,
        () => "healthy: begins with 0, what comes before it learns from the second step on",
      ],
      [branch && layer.variance === 0, () => "healthy: begins with 0, as the last of a residual branch may"],
      [branch && layer.gradient === 0, () => "healthy: waits behind a weight that begins with 0"],
      [
        layer.variance === 0,
        () => (head ? "silent: its sums are 0, as of zero weights" : "silent: its sums do not vary"),
      ],
      [layer.dead > most, () => `dead: ${Math.round(100 * layer.dead)} % of units have no slope for any row`],
      [
        layer.saturated > most && layer.dead <= most && !sparse(layer),
        () => `saturated: ${Math.round(100 * layer.saturated)} % of slopes are below 0.05`,
      ],
      [!head && signal < 1 / drift, () => `signal dies: ${factor(signal)} of the first layer's variance`],
      [!head && signal > drift, () => `signal explodes: ${factor(signal)} of the first layer's variance`],
      [!head && gradient < 1 / drift, () => `gradient dies: ${factor(gradient)} of the last layer's, squared`],
      [!head && gradient > drift, () => `gradient explodes: ${factor(gradient)} of the last layer's, squared`],
      [!head && layer.unitMean > 0.995, () => "units hardly vary over the rows: their means outweigh all else"],
    ];
    return { ...layer, verdict: rules.find(([is]) => is)?.[1]() ?? "healthy" };
  });
}

/** Half of a ReLU's slopes are 0 as they should be. */
const sparse = ({ activation, saturated }: Omit<LayerAnalysis, "verdict">): boolean =>
  activation !== undefined && /ReLU|relu/.test(activation) && saturated < 0.9;
