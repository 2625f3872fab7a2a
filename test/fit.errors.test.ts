/** What fit and evaluate refuse, what they say, and that the model can be trained afterwards. */
import { beforeAll, describe, expect, test } from "vitest";
import { fromArrays } from "../lib/data/index.js";
import * as nn from "../lib/nn/index.js";
import { tensor } from "../lib/ops/index.js";
import * as optim from "../lib/optim/index.js";
import { useExecutor } from "../lib/run/index.js";
import * as train from "../lib/train/index.js";
import { executors } from "./helpers.js";
import { classes, network, rejection, valuesOf } from "./training.js";

type Options = Record<string, unknown>;
const set = classes(50);

/** fit as someone without types would call it. */
const fitUntyped = train.fit as (model: unknown, set: unknown, options: unknown) => Promise<train.History>;
const evaluateUntyped = train.evaluate as (
  model: unknown,
  set: unknown,
  options?: unknown,
) => Promise<train.Evaluation>;

function start() {
  const model = network();
  return { model, optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }) };
}

describe("options", () => {
  const { model, optimizer } = start();
  const good = { loss: nn.crossEntropy, optimizer };

  const cases: [options: Options, message: string][] = [
    [{ los: nn.crossEntropy }, 'fit: unknown option "los". Did you mean "loss"?'],
    [{ batch_size: 8 }, 'fit: unknown option "batch_size". Did you mean "batchSize"?'],
    [{ clipgradnorm: 1 }, 'fit: unknown option "clipgradnorm". Did you mean "clipGradNorm"?'],
    [{ loss: undefined }, "fit: loss must be a function of (output, target), got undefined. Use e.g. nn.crossEntropy"],
    [{ loss: "mse" }, 'fit: loss must be a function of (output, target), got "mse". Use e.g. nn.crossEntropy'],
    [{ optimizer: "sgd" }, 'fit: optimizer must be an optimizer, got "sgd". Use e.g. new optim.SGD(…)'],
    [{ optimizer: optim.SGD }, "fit: optimizer must be an optimizer, got the function SGD. Use e.g. new optim.SGD(…)"],
    [{ batchSize: 0 }, "fit: batchSize must be a whole number at least 1, got 0"],
    [{ batchSize: 51 }, "fit: batchSize must be at most the 50 rows of the data set, got 51. Use a smaller one"],
    [{ epochs: 1.5 }, "fit: epochs must be a whole number at least 1, got 1.5"],
    [{ epochs: "3" }, 'fit: epochs must be a whole number at least 1, got "3"'],
    [{ clipGradNorm: -1 }, "fit: clipGradNorm must be a number above 0, got -1"],
    [{ nonFinite: "stop" }, 'fit: nonFinite must be "skip", "throw" or "zero", got "stop"'],
    [{ shuffle: 1 }, "fit: shuffle must be true or false, got 1"],
    [{ dropLast: "no" }, 'fit: dropLast must be true or false, got "no"'],
    [{ validation: [] }, "fit: validation must be a data set, got []"],
    [{ schedule: 0.1 }, "fit: schedule must be a function of the step, got 0.1"],
    [
      { schedule: () => Number.NaN },
      "fit: schedule's factor at step 0 must be a number at least 0 and at most 3.4e+38, got NaN",
    ],
    [{ generator: 5 }, "fit: generator must be a Generator, got 5. Make one with new Generator(seed)"],
    [{ signal: new AbortController() }, "fit: signal must be an AbortSignal, got a AbortController."],
    [{ onProgress: 1 }, "fit: onProgress must be a function, got 1"],
    [{ onEpoch: {} }, "fit: onEpoch must be a function, got {  }"],
    [{ progressMs: -1 }, "fit: progressMs must be a number at least 0, got -1"],
    [{ metrics: ["accuracy"] }, 'fit: metrics must be functions of (output, target), got "accuracy"'],
    [
      { metrics: [nn.accuracy, nn.accuracy] },
      'fit: metrics must have distinct names, got "accuracy". Give { name: function }',
    ],
    [{ metrics: [() => tensor(1)] }, 'fit: metrics must have distinct names, got "". Give { name: function }'],
  ];

  test.each(cases)("%o", async (options, message) => {
    expect((await rejection(fitUntyped(model, set, { ...good, ...options }))).message).toContain(message);
    expect(optimizer.steps).toBe(0);
  });

  test("model and data set", async () => {
    const at = (m: unknown, s: unknown, o: unknown = good) => rejection(fitUntyped(m, s, o)).then((e) => e.message);
    expect(await at({}, set)).toBe("fit: model must be a module, got {  }");
    expect(await at(model, [])).toBe("fit: set must be a data set, got []. Use data.fromArrays");
    expect(await at(model, set, null)).toBe("fit: wants options { loss, optimizer, … }, got null");
  });

  test("of evaluate", async () => {
    const at = (...args: Parameters<typeof evaluateUntyped>) =>
      rejection(evaluateUntyped(...args)).then((e) => e.message);
    expect(await at(3, set)).toBe("evaluate: model must be a module, got 3");
    expect(await at(model, [])).toBe("evaluate: set must be a data set, got []. Use data.fromArrays");
    expect(await at(model, set)).toBe("evaluate: wants a loss or metrics, got neither");
    expect(await at(model, set, { metric: [nn.accuracy] })).toBe(
      'evaluate: unknown option "metric". Did you mean "metrics"?',
    );
    expect(await at(model, set, { metrics: [nn.accuracy], batchSize: 0 })).toContain("evaluate: batchSize must be");
    expect(await at(model, set, { metrics: [nn.accuracy], signal: 1 })).toContain(
      "evaluate: signal must be an AbortSignal",
    );
    expect(await at(model, set, { loss: (x: unknown) => x })).toBe(
      "evaluate: loss must return one number, got [50,3]. Reduce it with mean()",
    );
  });
});

describe.each(executors)("%s", (executor) => {
  beforeAll(() => useExecutor(executor));

  /** A fit that fails, leaves the steps it made, and another one after it. */
  async function refused(
    options: Partial<train.FitOptions>,
    data = set,
    pair = start(),
    again = true,
  ): Promise<string> {
    const all = { loss: nn.crossEntropy, optimizer: pair.optimizer, batchSize: 8, shuffle: false, ...options };
    const { message } = await rejection(train.fit(pair.model, data, all));
    const { steps } = pair.optimizer;
    if (again) {
      await train.fit(pair.model, set, { loss: nn.crossEntropy, optimizer: pair.optimizer, batchSize: 50 });
      expect(pair.optimizer.steps).toBe(steps + 1);
    }
    return message;
  }

  const rows = (count: number, spoil: (x: Float32Array, y: Int32Array) => void) => {
    const data = classes(count);
    const [x, y] = [Float32Array.from(data.x.values), Int32Array.from(data.y.values)];
    spoil(x, y);
    return fromArrays({ x, xShape: [count, 4], y });
  };

  test("NaN in the data, in training and in validation", async () => {
    const spoilt = rows(50, (x) => x.set([Number.NaN], 4 * 37 + 2));
    const message =
      "DataSet: x must be finite, got NaN or infinity in row 37. Remove the row with rows(…) or mend its values";
    expect(await refused({}, spoilt)).toBe(message);
    expect(await refused({ validation: spoilt })).toBe(message);
  });

  test("a label out of range: the steps before it were made", async () => {
    const pair = start();
    const spoilt = rows(50, (_, y) => y.set([3], 37));
    expect(await refused({ epochs: 2 }, spoilt, pair)).toMatch(
      /crossEntropy: label 3 at position 5 is out of range for 3 classes \(0 to 2\)/,
    );
    expect(pair.optimizer.steps).toBe(4 + 1);
    const other = start();
    await rejection(
      train.fit(other.model, spoilt, {
        loss: nn.crossEntropy,
        optimizer: other.optimizer,
        batchSize: 8,
        shuffle: false,
      }),
    );
    const whole = start();
    const sound = set.take(32);
    await train.fit(whole.model, sound, {
      loss: nn.crossEntropy,
      optimizer: whole.optimizer,
      batchSize: 8,
      shuffle: false,
    });
    expect(await valuesOf(other.model)).toEqual(await valuesOf(whole.model));
    const { message } = await rejection(train.evaluate(whole.model, spoilt, { loss: nn.crossEntropy }));
    expect(message).toMatch(/label 3 at position 37 is out of range for 3 classes/);
  });

  test("a model of another input size names the layer", async () => {
    const model = new nn.Sequential(new nn.Linear(5, 3));
    const pair = { model, optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }) };
    expect(await refused({}, set, pair, false)).toContain("Linear: the input's last axis must be 5, got [8,4]");
    const { message } = await rejection(train.evaluate(model, set, { loss: nn.crossEntropy }));
    expect(message).toContain("Linear: the input's last axis must be 5, got [50,4]");
    class Own extends nn.Module {
      readonly weight = new nn.Linear(5, 3).weight;
      forward(x: Parameters<nn.Linear["forward"]>[0]) {
        return x.matmul(this.weight.transpose());
      }
    }
    const own = new Own();
    const run = train.fit(own, set, { loss: nn.crossEntropy, optimizer: new optim.SGD(own.parameters(), { lr: 0.1 }) });
    expect((await rejection(run)).message).toMatch(/^matmul: inner sizes must match, got \[32,4\] and \[5,3\]/);
  });

  test("losses and metrics that are not one number", async () => {
    expect(await refused({ loss: (x, y) => nn.crossEntropy(x, y, { reduction: "none" }) })).toBe(
      "fit: loss must return one number, got [8]. Reduce it with mean()",
    );
    expect(await refused({ loss: (() => 3) as never })).toBe("fit: loss must return a tensor, got 3");
    expect(await refused({ loss: (async () => 3) as never })).toBe("fit: loss must return a tensor, got a Promise");
    expect(await refused({ metrics: { rows: (x) => x } })).toBe(
      "fit: rows must return one number, got [8,3]. Reduce it with mean()",
    );
  });

  test("empty data", () => {
    expect(() => fromArrays({ x: [], y: [] })).toThrow(/must have at least one row|must have an axis of rows/);
    expect(() => fromArrays({ x: new Float32Array(0), xShape: [0, 4], y: new Int32Array(0) })).toThrow(
      "DataSet: must have at least one row, got x [0,4]",
    );
  });

  test("every parameter frozen, and parameters of another model", async () => {
    const { model, optimizer } = start();
    model.freeze();
    const options = { loss: nn.crossEntropy, optimizer };
    const { message } = await rejection(train.fit(model, set, options));
    expect(message).toBe("SGD: every parameter is frozen. Unfreeze some with model.unfreeze()");
    model.unfreeze();
    await train.fit(model, set, options);
    expect(optimizer.steps).toBe(2);
    const foreign = await rejection(train.fit(network(), set, options));
    expect(foreign.message).toBe(
      "fit: optimizer must have parameters of the model, got none of them. Make it with model.parameters()",
    );
  });
});
