/** What is loaded when it is first asked for: an import of the package that never looks at a model is not to parse it. */
import type * as checkups from "./checkup.js";
import type * as reports from "./report/index.js";

/**
 * Looks at a model with a batch of its data, before the first step: weights and their signal and gradient through depth,
 * inputs, labels, the head and its loss, and, given the optimizer, its learning rate. Nothing is changed.
 * @param sample a data set, of which 512 rows from all over it count, or a batch { x (N, …), y (N, …) }
 * @throws if the model does not accept the sample, or the loss is not one number
 * @example const { healthy, findings } = await health.checkup(model, train, { loss: nn.crossEntropy, optimizer });
 * for (const finding of findings) console.log(health.explain(finding));
 */
export const checkup: typeof checkups.checkup = async (...given) => (await import("./checkup.js")).checkup(...given);

/**
 * Writes a page that shows a watched run: the verdict, findings with their evidence and repairs, what was repaired, curves, and
 * the layers through time. It reads well on a laptop and a phone, light and dark.
 * @param history of a `fit` that was given `health`
 * @param path of the file, which is replaced
 * @throws if the history was not watched, or the file cannot be written
 * @example
 * const history = await fit(model, train, { loss: nn.crossEntropy, optimizer, health: true });
 * await health.report(history, "report.html");
 */
export const report: typeof reports.report = async (...given) => (await import("./report/index.js")).report(...given);
