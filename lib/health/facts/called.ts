/** Activations that a forward calls as functions: no repair can replace them, so the finding names the line to change. */
import { structureIn } from "../../init/structure.js";
import type { Module } from "../../nn/module.js";
import { traceLayers } from "../../nn/trace.js";
import { placeOf, userFrame } from "../../run/frame.js";
import { setTracing, type Tensor } from "../../tensor.js";
import type { Finding, RepairName } from "../finding.js";
import { opOf } from "./start.js";

/** What each weight's sums go through where that is a call, and the call that makes the output; by path, the output by "". */
function callsIn(model: Module, x: Tensor): ReadonlyMap<string, string> {
  const before = setTracing(true);
  try {
    const traced = traceLayers(model, x, "batch");
    const { uses, output } = structureIn(model, x, traced);
    const layers = new Set(
      model.namedModules().flatMap(([, part]) => (part.children().length === 0 ? [traced.outputs.get(part)] : [])),
    );
    const calls = new Map<string, string>();
    const note = (path: string, node: Tensor, name: string): void => {
      const place = layers.has(node) ? undefined : placeOf(userFrame(node.made));
      if (place) calls.set(path, `${name} at ${place}`);
    };
    for (const { path, through } of uses) if (through) note(path, through.output, through.name);
    note("", output, opOf(output));
    return calls;
  } finally {
    setTracing(before);
  }
}

const changes: ReadonlySet<RepairName | undefined> = new Set(["replaceActivation", "dropActivation"] as const);

/** Findings whose advice is to replace or drop an activation say which line calls it, where it is called as a function. */
export function withLines(findings: readonly Finding[], model: Module, x: Tensor): Finding[] {
  let calls: ReadonlyMap<string, string> | undefined;
  return findings.map((finding) => {
    if (!finding.advice.some(({ repair }) => changes.has(repair))) return finding;
    calls ??= callsIn(model, x);
    const found = calls;
    const advice = finding.advice.map((one) => {
      const call = found.get(one.repair === "dropActivation" ? "" : (finding.layer ?? ""));
      return call && changes.has(one.repair) ? { ...one, text: `${one.text}, in place of ${call}` } : one;
    });
    return { ...finding, advice };
  });
}
