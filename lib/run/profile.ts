/** EVENGRAD_DEBUG=profile: where the time of every program went, printed when the process ends. */
import type { Program } from "../compile/index.js";
import type { NativeProgram } from "./addon.js";

const profiled: { program: Program; handle: NativeProgram }[] = [];

/** Adds a program to the report. */
export function reportAtExit(program: Program, handle: NativeProgram): void {
  if (profiled.length === 0) process.once("exit", () => console.error(report()));
  profiled.push({ program, handle });
}

/** Programs by the time they took, longest first; their instructions in order, with what each took of it. */
function report(): string {
  const rows = profiled.map(({ program, handle }) => {
    const ms = handle.profile();
    return { program, ms, total: ms.reduce((a, b) => a + b, 0) };
  });
  const lines = rows
    .sort((a, b) => b.total - a.total)
    .flatMap(({ program, ms, total }) => {
      const [head, ...calls] = program.dump();
      const share = (x: number): string =>
        `${x.toFixed(2).padStart(10)} ms ${((100 * x) / (total || 1)).toFixed(1).padStart(5)} %`;
      return [`${share(total)}  ${head}`, ...calls.map((call, i) => `${share(ms[i])}${call}`)];
    });
  return lines.join("\n");
}
