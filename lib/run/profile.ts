/** EVENGRAD_DEBUG=profile: where the time of every program went, printed when the process ends. */
import type { NativeProgram } from "./addon.js";

const profiled: { listing: readonly string[]; handle: NativeProgram }[] = [];

/** Adds a program to the report. */
export function reportAtExit(listing: readonly string[], handle: NativeProgram): void {
  if (profiled.length === 0) process.once("exit", () => console.error(report()));
  profiled.push({ listing, handle });
}

/** Programs by the time they took, longest first; their instructions in order, with what each took of it. */
function report(): string {
  const rows = profiled.map(({ listing, handle }) => {
    const ms = handle.profile();
    return { listing, ms, total: ms.reduce((a, b) => a + b, 0) };
  });
  const lines = rows
    .sort((a, b) => b.total - a.total)
    .flatMap(({ listing, ms, total }) => {
      const [head, ...calls] = listing;
      const share = (x: number): string =>
        `${x.toFixed(2).padStart(10)} ms ${((100 * x) / (total || 1)).toFixed(1).padStart(5)} %`;
      return [`${share(total)}  ${head}`, ...calls.map((call, i) => `${share(ms[i])}${call}`)];
    });
  return lines.join("\n");
}
