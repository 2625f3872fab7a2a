/** Looking at a network while it trains. */
export { type LayerReport, type LayerStatistics, layers } from "./layers.js";
