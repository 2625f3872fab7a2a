/** What EVENGRAD_DEBUG asks for: names with commas, read when the library loads. */
import { fail, show } from "../error.js";

const modes = ["nonfinite", "program", "profile"] as const;
const asked = (process.env.EVENGRAD_DEBUG ?? "").split(",").filter(Boolean);
const unknown = asked.find((mode) => !(modes as readonly string[]).includes(mode));
if (unknown !== undefined)
  fail("EVENGRAD_DEBUG", `must be some of ${modes.join(", ")} with commas between them, got ${show(unknown)}`);

export function debugging(mode: (typeof modes)[number]): boolean {
  return asked.includes(mode);
}
