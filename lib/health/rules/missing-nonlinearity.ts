/** Weights that follow each other with nothing between. */
import type { LayerFacts } from "../facts/start.js";
import type { Draft, Rule } from "./rule.js";

const isLinear = (l: LayerFacts): boolean => l.activation === undefined;
const isNoHead = (l: LayerFacts): boolean => !l.head;
const goesOnAsItIs = (l: LayerFacts): boolean => !l.head && l.bare && !l.branch;

export const missingNonlinearity: Rule = {
  name: "missing-nonlinearity",
  source: "the product of two matrices is a matrix",
  normal: "an activation between two weights",
  why: "Layers with nothing between them are one linear layer, whatever their number.",
  repairs: ["insertActivation"],
  start({ facts: { layers } }): Draft | undefined {
    const all = layers.length > 1 && layers.every(isLinear);
    const bare = layers.filter(all ? isNoHead : goesOnAsItIs);
    if (bare.length === 0) return undefined;
    return {
      severity: all ? "fault" : "warning",
      layer: bare[0].path,
      measured: all
        ? `none of ${layers.length} layers is followed by an activation`
        : `nothing stands between ${bare[0].path} and the next weight`,
      value: bare.length,
    };
  },
};
