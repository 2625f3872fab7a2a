/** A watched run as one HTML page that needs nothing else: no network and no script. */
import { promises as fs } from "node:fs";
import { checkOptions, fail, show } from "../../error.js";
import type { History } from "../../train/history.js";

/** How a report is written. */
export interface ReportOptions {
  /** Above the verdict and in the browser's tab; "Training report" unless told. */
  title?: string;
}

/** See `health.report`, which loads this. */
export async function report(history: History, path: string, options: ReportOptions = {}): Promise<void> {
  const op = "report";
  if (typeof history !== "object" || history === null || !Array.isArray(history.losses))
    fail(op, `history must be what fit returned, got ${show(history)}. Await it first`);
  if (!history.health) fail(op, "history must be of a run that was watched, got none. Give fit { health: true }");
  if (typeof path !== "string" || path === "") fail(op, `path must be the name of a file, got ${show(path)}`);
  checkOptions(op, options, ["title"]);
  const { title = "Training report" } = options;
  if (typeof title !== "string") fail(op, `title must be a text, got ${show(title)}`);
  const { pageOf } = await import("./page.js");
  const page = pageOf(history, history.health, title);
  try {
    await fs.writeFile(path, page);
  } catch (error) {
    fail(op, `${path} must be writable, got: ${error instanceof Error ? error.message : error}`);
  }
}
