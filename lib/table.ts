/** Plain-text tables. */

/**
 * Aligns cells in columns under a ruled head.
 * @param rows the head first
 * @param options `left`: how many leading columns are aligned left (1), the others right; `footer`: the last row is ruled off
 */
export function table(rows: readonly (readonly string[])[], options: { left?: number; footer?: boolean } = {}): string {
  const { left = 1, footer = false } = options;
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((n) => "─".repeat(n)).join("──");
  const body = rows.slice(1).map(line);
  if (footer) body.splice(-1, 0, rule);
  return [line(rows[0]), rule, ...body].join("\n");
}
