// Reads binding.gyp, which is plain JSON here, as the list of what to compile on this machine.
import { execSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, platform } from "node:process";

const values = { OS: { darwin: "mac", win32: "win" }[platform] ?? platform, target_arch: arch };

/** Whether a condition of the form `NAME=='value'` holds here. */
function holds(condition) {
  const [, name, value] = condition.match(/^(\w+)=='(\w+)'$/) ?? [];
  if (!(name in values)) throw new Error(`binding.gyp: condition not understood: ${condition}`);
  return values[name] === value;
}

/** `into` with the entries of `from` added, the way gyp merges dictionaries. */
function merge(into, from) {
  const out = { ...into };
  for (const [key, value] of Object.entries(from)) {
    if (Array.isArray(value)) out[key] = [...(out[key] ?? []), ...value];
    else if (value && typeof value === "object") out[key] = merge(out[key] ?? {}, value);
    else out[key] = value;
  }
  return out;
}

function applyConditions({ conditions = [], ...dict }) {
  return conditions.reduce(
    (out, [condition, then]) => (holds(condition) ? merge(out, applyConditions(then)) : out),
    dict,
  );
}

/** Replaces `<!(command)`, `<!@(command)` and `>@(variable)` in a list. */
function expand(list, variables, cwd) {
  return list.flatMap((item) => {
    const [, kind, body] = item.match(/^(<!@?|>@)\((.*)\)$/s) ?? [];
    if (kind === undefined) return [item];
    if (kind === ">@") return variables[body] ?? [];
    const text = execSync(body, { cwd, encoding: "utf8" }).trim();
    return kind === "<!@" ? text.split(/\s+/) : [text];
  });
}

/**
 * The addon's units: `{ sources: [{ file, isa, flags }], ldflags }`, where `isa` names the
 * static library that a source belongs to (undefined for the addon itself).
 */
export function readGyp(root) {
  const gyp = applyConditions(JSON.parse(readFileSync(`${root}/binding.gyp`, "utf8")));
  const sources = [];
  let ldflags = [];
  for (const target of gyp.targets.map((t) => merge(gyp.target_defaults, applyConditions(t)))) {
    const list = (key) => expand(target[key] ?? [], target.variables, root);
    const flags = [
      ...list("defines").map((d) => `-D${d}`),
      ...list("include_dirs").map((d) => `-I${d}`),
      ...list("cflags"),
      ...list("cflags_cc"),
    ];
    const isa = target.type === "static_library" ? target.target_name : undefined;
    for (const file of list("sources")) sources.push({ file, isa, flags });
    if (!isa) ldflags = list("ldflags");
  }
  return { sources, ldflags };
}
