/** Finding, explaining and repairing what stops a network from training. */
export { type Advice, explain, type Finding, type RepairName, type RuleName } from "./finding.js";
export { type LayerReport, type LayerStatistics, layers } from "./layers.js";
export type { HealthRecord, HealthSample, Histogram, LayerSample, RepairRecord, WatchedLayer } from "./record.js";
