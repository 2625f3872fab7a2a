/** Tables in Markdown. */

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** @param left how many leading columns are aligned left, the others right */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const rule = titles.map((_, i) => (i < left ? "---" : "---:"));
  return [line(titles), line(rule), ...rows.map(line)].join("\n");
}
