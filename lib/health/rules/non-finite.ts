/** NaN or infinity, in the data or in a step. */
import { isHuge } from "./exploding-signal.js";
import { type Rule, short } from "./rule.js";
import { suddenly } from "./updates.js";

export const nonFinite: Rule = {
  name: "non-finite",
  source: "IEEE 754: one NaN makes every sum it enters a NaN",
  normal: "finite",
  why: "One value that is not finite makes the loss, every gradient and then every weight NaN.",
  repairs: ["lowerRate", "clip", "reinitialize", "rescaleInputs"],
  start({ rehearsal, layers, facts: { input, target, loss } }) {
    const where = !input.finite ? "the inputs" : !target.finite ? "the targets" : undefined;
    if (where)
      return {
        severity: "fault",
        measured: `${where} have NaN or infinity`,
        value: Number.NaN,
        repairs: [],
        byHand: [
          {
            text: "leave out the rows that have them, or fill them in",
            code: "rows.filter((row) => row.every(Number.isFinite))",
          },
        ],
      };
    if (layers.some(isHuge)) return undefined; // the signal explodes
    if (!Number.isFinite(loss.value))
      return {
        severity: "fault",
        measured: `the first loss is ${loss.value}`,
        value: loss.value,
        repairs: [],
        byHand: [
          { text: "before the model is built, ask for the op and the line that make it", code: "debugNonFinite()" },
          {
            text: "take the logarithm and what it is of together, from raw scores (of one output: nn.binaryCrossEntropyWithLogits)",
            code: "loss: nn.crossEntropy",
          },
        ],
      };
    if (!rehearsal || !suddenly(rehearsal)) return undefined;
    const at = rehearsal.findIndex((x) => !Number.isFinite(x));
    const measured = `on one batch the loss is ${rehearsal[at]} at step ${at + 1}`;
    return { severity: "fault", measured, value: rehearsal[at] };
  },
  watch({ failure, losses, epochs }) {
    const last = losses.at(-1) ?? 0;
    const judged = epochs.at(-1)?.validation?.loss ?? 0;
    if (!failure && Number.isFinite(last) && Number.isFinite(judged)) return undefined;
    if (!failure && Number.isFinite(last))
      return { severity: "fault", measured: `the loss of validation is ${judged}`, value: judged };
    const measured = failure?.text ?? `the loss is ${short(last)}`;
    return { severity: "fault", layer: failure?.layer, measured, value: last };
  },
};
