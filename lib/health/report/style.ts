/** The look of a report: one column on a phone, two for charts on a laptop; light or dark as the reader's system is. */

/** Names of one letter belong to the charts. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2733;--soft:#56606b;--line:#dfe4ea;--card:#f6f8fa;--good:#17703f;--bad:#b3261e;--warn:#8a5300}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#d6dee7;--soft:#9aa6b2;--line:#2b333d;--card:#151b23;--good:#4cc38a;--bad:#ff8078;--warn:#e9b44c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:1.1rem;margin:0;color:var(--soft);font-weight:600}
h2{font-size:1.35rem;margin:40px 0 12px;padding-top:12px;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:0}
h4{font-size:.8rem;margin:12px 0 4px;color:var(--soft);font-weight:600}
p{margin:8px 0}
.verdict{border-left:6px solid var(--good);background:var(--card);padding:16px;border-radius:4px}
.verdict.ill{border-color:var(--bad)}
.verdict strong{display:block;font-size:1.5rem;line-height:1.25;margin:6px 0 12px;overflow-wrap:anywhere}
.verdict strong::before{content:"✓ ";color:var(--good)}
.verdict.ill strong::before{content:"✗ ";color:var(--bad)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:14px 0 0}
a{color:inherit}
dl{margin:0}
dt{color:var(--soft);font-size:.8rem}
dd{margin:0;overflow-wrap:anywhere}
.facts,.evidence{display:grid;gap:8px 24px;grid-template-columns:repeat(auto-fit,minmax(min(100%,130px),1fr))}
.evidence,.repair .facts{grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr));margin:10px 0}
article{border:1px solid var(--line);border-left:4px solid var(--warn);border-radius:4px;padding:14px 16px;margin:12px 0}
article.fault{border-left-color:var(--bad)}
article.kept{border-left-color:var(--good)}
article.undone{border-left-color:var(--soft)}
.badge{display:inline-block;font-size:.75rem;font-weight:600;padding:0 8px;border-radius:9px;border:1px solid;color:var(--warn);vertical-align:2px}
.fault .badge{color:var(--bad)}
.kept .badge{color:var(--good)}
.undone .badge,.where,.source,figcaption,footer{color:var(--soft)}
.where{margin:2px 0}
.source,footer{font-size:.85rem}
ol{margin:4px 0;padding-left:22px}
li{margin:6px 0}
pre{margin:4px 0;padding:8px 10px;background:var(--card);border:1px solid var(--line);border-radius:4px;font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.charts{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));align-items:start}
figure{margin:0;border:1px solid var(--line);border-radius:4px;overflow:hidden;max-width:620px}
figure svg{display:block;width:100%;height:auto}
figcaption{font-size:.85rem;padding:0 16px 12px}
details{margin:8px 0 16px}
summary{cursor:pointer}
.scroll{overflow-x:auto;margin-top:8px}
table{border-collapse:collapse;font-size:.85rem;white-space:nowrap;font-variant-numeric:tabular-nums}
th,td{padding:4px 14px 4px 0;text-align:left;border-bottom:1px solid var(--line);font-weight:400}
thead th{color:var(--soft)}
footer{margin:40px 0 16px}
@media print{figure,article{break-inside:avoid}}
`.trim();
