/** Finding, explaining and repairing what stops a network from training. */
import { observeWith } from "../train/observer.js";
import { healthFromEnvironment } from "./journal.js";

export type { Checkup, CheckupOptions, CheckupSample } from "./checkup.js";
export { type Advice, explain, type Finding, type RepairName, type RuleName } from "./finding.js";
export { parseJournal } from "./journal.js";
export { checkup, report } from "./later.js";
export { type LayerReport, type LayerStatistics, layers } from "./layers.js";
export type { HealthRecord, HealthSample, Histogram, LayerSample, RepairRecord, WatchedLayer } from "./record.js";
export type { ReportOptions } from "./report/index.js";
export { table } from "./table.js";
export { EventWriter, type EventWriterOptions } from "./tensorboard/event-writer.js";
export { tensorboard, writeEpoch, writeSample } from "./tensorboard/figures.js";

observeWith(async (loop, options) => {
  const { Monitor } = await import("./monitor.js");
  return new Monitor(loop, options);
}, healthFromEnvironment);
