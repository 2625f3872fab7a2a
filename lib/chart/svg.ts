/** SVG as text: escaped elements, and the frame, colours and type that all charts share. */

/** Numbers with a few digits, so that pictures stay small. */
const short = (x: number): string => `${Number(x.toFixed(2))}`;

/** Text as it stands in markup, SVG or HTML. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

type Attributes = Readonly<Record<string, string | number>>;

/** One element; `inner` is markup, made by this file. */
export function element(name: string, attributes: Attributes, inner = ""): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(typeof value === "number" ? short(value) : value)}"`,
  );
  return inner ? `<${name}${list.join("")}>${inner}</${name}>` : `<${name}${list.join("")}/>`;
}

/** Words at a place; `class` says how they are aligned: left, or `m` in the middle, or `e` at their end. */
export function label(text: string, x: number, y: number, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escaped(text));
}

/** What a viewer shows when the pointer rests on an element. */
export const hint = (text: string): string => element("title", {}, escaped(text));

/** A path through points; undefined ones break it. */
export function path(points: readonly (readonly [x: number, y: number] | undefined)[]): string {
  let pen = "M";
  let d = "";
  for (const point of points) {
    if (point) d += `${pen}${short(point[0])} ${short(point[1])}`;
    pen = point ? "L" : "M";
  }
  return d;
}

/** Told apart also by those who do not see red and green alike (Okabe & Ito 2008), on white and on dark. */
const colours = [
  ["#0072b2", "#56b4e9"],
  ["#d55e00", "#ff8c42"],
  ["#009e73", "#2fcf9f"],
  ["#b5528f", "#e39fc8"],
  ["#b8860b", "#e9c546"],
  ["#56606b", "#a5b0bd"],
] as const;

/** How many series have a colour of their own. */
export const colourCount = colours.length;

const rules = (shade: 0 | 1): string =>
  [
    `.p{fill:${["#fff", "#0d1117"][shade]}}`,
    `text{fill:${["#1d2733", "#d6dee7"][shade]}}`,
    `.g{stroke:${["#dfe4ea", "#2b333d"][shade]}}`,
    `.a{stroke:${["#7b8794", "#7d8895"][shade]}}`,
    ...colours.map((pair, i) => `.l${i}{stroke:${pair[shade]}}.f${i}{fill:${pair[shade]}}`),
  ].join("");

const style =
  "text{font:12px system-ui,sans-serif}.t{font-size:15px;font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}" +
  `.g,.a,.l{fill:none}.l{stroke-width:1.8;stroke-linejoin:round}.d{stroke-dasharray:5 4}${rules(0)}` +
  `@media(prefers-color-scheme:dark){${rules(1)}}`;

/** The rules that all pictures share. */
const rulesElement = element("style", {}, style);

/** A page's pictures, which then share one set of rules. */
export const inlined = (pictures: readonly string[]): string[] =>
  pictures.map((svg, i) => (i === 0 ? svg : svg.replace(rulesElement, "")));

/** A whole picture with a title at its top left. */
export function picture(title: string, width: number, height: number, body: readonly string[]): string {
  const paper = element("rect", { class: "p", width, height });
  const inner = [rulesElement, paper, label(title, 16, 26, { class: "t" }), ...body].join("\n");
  const attributes = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${short(width)} ${short(height)}` };
  return `${element("svg", { ...attributes, role: "img", "aria-label": title }, `\n${inner}\n`)}\n`;
}
