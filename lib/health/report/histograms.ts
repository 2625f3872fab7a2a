/** The section of histograms: how the sums and their gradients were spread at the last look that counted them. */
import { histogram } from "../../chart/index.js";
import type { HealthRecord, Histogram } from "../record.js";
import { layerName, when } from "../words.js";
import { chartWidth, type Picture, type Section, text } from "./section.js";

function picture(title: string, label: string, { min, max, counts }: Histogram, colour: number): Picture[] {
  const known = Number.isFinite(min) && Number.isFinite(max) && counts.length > 0;
  return known ? [{ svg: histogram({ title, label, counts, min, max, colour, width: chartWidth }) }] : [];
}

export function histogramsSection({ layers, samples }: HealthRecord): Section | undefined {
  const last = [...samples]
    .reverse()
    .find((s) => s.layers.length === layers.length && s.layers.some((l) => l.signalHistogram || l.gradientHistogram));
  if (!last) return undefined;
  const pictures = last.layers.flatMap(({ signalHistogram, gradientHistogram }, i) => {
    const name = layerName(layers[i].path);
    return [
      ...(signalHistogram ? picture(`${name}: signal`, "sum", signalHistogram, 0) : []),
      ...(gradientHistogram ? picture(`${name}: gradient`, "gradient by the sum", gradientHistogram, 1) : []),
    ];
  });
  const body = text(
    "p",
    `Of the sums of each layer over a batch, and of the loss's gradient by them, ${when(last.step)}.`,
  );
  const folded = pictures.length > 16 ? `All ${pictures.length} of them` : undefined;
  return pictures.length ? { id: "histograms", title: "Histograms", body, pictures, folded } : undefined;
}
