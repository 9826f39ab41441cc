/** The style of a page with pictures: one column, light and dark, for phones, screens and paper. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#ffffff;--panel:#f5f7f9;--ink:#1b2733;--muted:#566573;--line:#dde3e9;--accent:#005f96;--warn-paper:#fff3d6;--warn-ink:#5c3a00;--warn-line:#e0a526}
@media screen and (prefers-color-scheme:dark){:root{--paper:#14191f;--panel:#1c232b;--ink:#e8edf2;--muted:#9fb0bf;--line:#2f3a45;--accent:#6cbcf0;--warn-paper:#3a2c0c;--warn-ink:#ffe2a0;--warn-line:#b98518}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
h1{font-size:clamp(1.6rem,4vw,2.3rem);line-height:1.2;margin:.6rem 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:2.8rem 0 .6rem;padding-top:.7rem;border-top:1px solid var(--line)}
p,ul{margin:.5rem 0 .8rem;max-width:46rem}
li{margin:.25rem 0}
a{color:var(--accent)}
.lead{color:var(--muted);margin-top:0}
.synthetic{margin:1rem 0;padding:1rem 1.25rem;background:var(--warn-paper);color:var(--warn-ink);border:2px solid var(--warn-line);border-radius:.6rem}
.synthetic strong{display:block;font-size:clamp(1.6rem,6vw,2.8rem);line-height:1.15;letter-spacing:.02em}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));gap:.8rem;margin:1.2rem 0;padding:0;list-style:none;max-width:none}
.tiles li{margin:0;padding:1rem 1.1rem;background:var(--panel);border:1px solid var(--line);border-radius:.6rem}
.tiles b{display:block;font-size:2rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tiles span{display:block;color:var(--muted);font-size:.9rem}
.tiles .name{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;margin:.8rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding:.2rem 0 .5rem}
caption span{display:block;max-width:min(46rem,calc(100vw - 2.5rem))}
th,td{padding:.4rem .7rem;text-align:right;border-bottom:1px solid var(--line)}
th{font-weight:600}
thead th{color:var(--muted);font-size:.85rem;vertical-align:bottom}
th:first-child,td:first-child,.text{text-align:left}
td.id{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.85rem;white-space:nowrap}
tr.total th,tr.total td{font-weight:600;border-top:2px solid var(--line)}
figure{margin:1rem 0 1.4rem;overflow-x:auto}
figure{display:flex;flex-wrap:wrap}
figure svg{display:block;flex:none;max-width:100%;height:auto}
h3{font-size:1.05rem;margin:1rem 0 .3rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(25rem,100%),1fr));gap:0 1rem}
.pair figure svg{flex:0 1 auto}
figcaption{flex:1 0 100%;color:var(--muted);font-size:.9rem;max-width:46rem}
details{margin:.4rem 0}
summary{cursor:pointer;font-weight:600}
.muted{color:var(--muted);font-weight:400}
audio{display:block;width:15rem;height:2.2rem}
pre{overflow-x:auto;padding:.9rem 1rem;background:var(--panel);border:1px solid var(--line);border-radius:.6rem;font-size:.9rem}
footer{margin-top:3rem;color:var(--muted);font-size:.85rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:36rem){figure svg{max-width:max(100%,29rem)}}
@media print{body{font-size:10pt}h2{margin-top:1.4rem}th,td{padding:.2rem .5rem}audio,.screen{display:none}details pre{columns:2;font-size:.75rem;padding:.4rem .6rem}details::details-content{content-visibility:visible;height:auto}pre{white-space:pre-wrap}main{max-width:none;padding:0}h2{break-after:avoid}figure,table,.tiles li{break-inside:avoid}figure svg{max-width:100%;max-height:11cm}.pair{grid-template-columns:1fr 1fr}summary{break-after:avoid}.scroll,figure{overflow:visible}}
`;
