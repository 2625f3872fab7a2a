/** Batch norm over too few rows. */
import type { Draft, Rule } from "./rule.js";

export const batchOfOne: Rule = {
  name: "batch-of-one",
  source: "Ioffe & Szegedy 2015; Wu & He 2018, fig. 1: errors grow below 8 rows",
  normal: "at least 8 rows per step",
  why: "Batch norm takes mean and variance from the batch: of one row nothing is left, of a few mostly noise.",
  repairs: ["largerBatch", "layerNorm"],
  start({ facts: { batchNorm }, plan: { batchSize, rows, dropLast } }): Draft | undefined {
    if (!batchNorm || batchSize === undefined) return undefined;
    if (batchSize > 1 && batchSize < rows && rows % batchSize === 1 && !dropLast)
      return {
        severity: "fault",
        layer: batchNorm,
        measured: `the last batch of an epoch has 1 row, of ${rows} in batches of ${batchSize}`,
        value: 1,
        repairs: ["dropLast", "layerNorm"],
      };
    if (batchSize >= 8) return undefined;
    return {
      severity: batchSize < 4 ? "fault" : "warning",
      layer: batchNorm,
      measured: `batch norm at ${batchNorm} gets ${batchSize} ${batchSize === 1 ? "row" : "rows"} a step`,
      value: batchSize,
    };
  },
};
