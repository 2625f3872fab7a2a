/** What a report is made of: sections of markup, built from escaped text. */
import { escaped } from "../../chart/svg.js";

/** One part of the page; its title is also a link at the top. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** Markup. */
  readonly body: string;
  /** Pictures under it, two in a row where there is room. */
  readonly pictures?: readonly Picture[];
  /** Opens the pictures where they are so many that they are folded away: what they are. */
  readonly folded?: string;
}

/** A chart with words under it. */
export interface Picture {
  readonly svg: string;
  readonly caption?: string;
}

/** How wide charts are in their own pixels: about a phone's, so that their words keep their size there. */
export const chartWidth = 420;

/** An element around text. */
export const text = (name: string, content: string, kind = ""): string =>
  `<${name}${kind ? ` class="${kind}"` : ""}>${escaped(content)}</${name}>`;

/** A line or block of code. */
export const code = (content: string): string => `<pre><code>${escaped(content)}</code></pre>`;

/** A table that scrolls by itself where the screen is narrow; the first column names the rows. */
export function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const top = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("");
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => text("td", cell)).join("");
    return `<tr><th scope="row">${escaped(first)}</th>${cells}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><thead><tr>${top}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}
