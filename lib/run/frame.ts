/** Where in a user's code something was made, by its stack. */
import { join } from "node:path";
import { packageRoot } from "./load.js";

/** The first frame of a stack that is neither Node's nor the library's own. */
export function userFrame(stack: string | undefined): string | undefined {
  const root = packageRoot();
  const own = [join(root, "lib"), join(root, "dist")].map((dir) => `${dir.replaceAll("\\", "/")}/`);
  const frames = stack?.split("\n").slice(1) ?? [];
  return frames.find((frame) => {
    const path = frame.replaceAll("\\", "/");
    return !path.includes("node:") && !own.some((dir) => path.includes(dir));
  });
}

/** File and line of a frame, such as `net.mjs:12`. */
export const placeOf = (frame: string | undefined): string | undefined =>
  /([^/\\\s()]+:\d+):\d+\)?\s*$/.exec(frame ?? "")?.[1];
