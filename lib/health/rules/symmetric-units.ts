/** Units of a layer with equal weights. */
import { type Draft, percent, type Rule } from "./rule.js";

export const symmetricUnits: Rule = {
  name: "symmetric-units",
  source: "Goodfellow et al., Deep Learning, § 8.4: equal units get equal gradients",
  normal: "no two units alike",
  why: "Units with equal weights get equal gradients for ever, so together they are one unit.",
  repairs: ["reinitialize"],
  start({ facts: { parameters, layers } }): Draft | undefined {
    const place = new Map(layers.map((l) => [l.path, l]));
    for (const p of parameters) {
      const layer = place.get(p.path);
      if (!layer || layer.head || layer.branch) continue;
      if (p.rms === 0 && p.rank >= 2)
        return { severity: "fault", layer: p.path, measured: `all weights of ${p.path} are 0`, value: 1 };
      if (p.twins > 0.3)
        return {
          severity: "fault",
          layer: p.path,
          measured: `${percent(p.twins)} of the units of ${p.path} are as another one is`,
          value: p.twins,
        };
    }
    return undefined;
  },
};
