/** The report's style sheet. */
export const style = `
:root {
  --paper: #faf7f3; --card: #fff; --ink: #26201c; --soft: #6d635b; --line: #e4dcd3;
  --ours: #b0452c; --slower: #d8a08f; --theirs: #8d99a6; --met: #3d7a4a; --short: #b0452c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #191513; --card: #221d1a; --ink: #f0e9e2; --soft: #a89c92; --line: #3a322d;
    --ours: #dc6a4c; --slower: #7c4536; --theirs: #66727f; --met: #7cc08a; --short: #ec8a6e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; border-top: 6px solid var(--ours); background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums;
}
header, main { max-width: 60rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -0.02em; }
h2 { margin: 0; font-size: 1.25rem; letter-spacing: -0.01em; }
header p, section > p { margin: 0.4rem 0 1rem; color: var(--soft); }
section {
  margin: 1.5rem 0; padding: 1.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 0.75rem;
  margin: 1.5rem 0; padding: 0; list-style: none;
}
.tile {
  padding: 0.9rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--line); border-radius: 10px;
}
.tile.met { border-left-color: var(--met); }
.tile.short { border-left-color: var(--short); }
.tile h3 { margin: 0; font-size: 0.85rem; font-weight: 600; }
.tile p { margin: 0; overflow-wrap: anywhere; color: var(--soft); font-size: 0.8rem; }
.tile .value { margin: 0.15rem 0; color: var(--ink); font-size: 1.7rem; font-weight: 650; letter-spacing: -0.02em; }
.tile.met .value::after { content: ' ✓'; color: var(--met); font-size: 1.1rem; }
.row {
  display: grid; grid-template-columns: 15rem 1fr; gap: 0.25rem 1rem; align-items: center;
  padding: 0.3rem 0; border-top: 1px solid var(--line);
}
.row:first-child { border-top: 0; }
.name { overflow-wrap: anywhere; line-height: 1.25; }
.name small { display: block; color: var(--soft); font-size: 0.75rem; }
.bars { position: relative; display: grid; gap: 3px; margin-right: 8.5rem; }
.bar { position: relative; display: flex; align-items: center; height: 1.15rem; }
.bar span { display: block; height: 100%; min-width: 2px; border-radius: 0 3px 3px 0; background: var(--theirs); }
.bar.ours span { background: var(--ours); }
.bar.slower span { background: var(--slower); }
.bar b {
  position: absolute; left: 100%; padding-left: 0.5rem; white-space: nowrap; font-size: 0.78rem; font-weight: 600;
}
.bar.theirs b { color: var(--soft); font-weight: 400; }
.whisker { position: absolute; height: 3px; background: var(--ink); opacity: 0.55; border-radius: 2px; }
.mark { position: absolute; top: -0.35rem; bottom: -0.35rem; width: 1px; background: var(--ink); opacity: 0.45; z-index: 1; }
.legend { display: flex; gap: 1.25rem; font-size: 0.8rem; }
.legend span::before {
  content: ''; display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.4rem;
  border-radius: 2px; background: var(--theirs);
}
.legend .ours::before { background: var(--ours); }
.problems { border-color: var(--short); }
.problems ul { margin: 0.5rem 0 0; padding-left: 1.2rem; }
@media (max-width: 38rem) {
  section { padding: 1rem; }
  .row { grid-template-columns: 1fr; padding: 0.5rem 0; }
  .name { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 0.75rem; }
  .bars { margin-right: 8rem; }
  .mark { top: 0; bottom: 0; }
}
`;
