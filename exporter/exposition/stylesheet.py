"""The look of the status page: one style sheet, inline, without anything from elsewhere."""

STYLESHEET = """
:root { color-scheme: light dark; --ground: #f6f7f8; --card: #fff; --text: #1a2027; --dim: #5a6672;
  --line: #dde2e7; --link: #0b5cad; --good: #18794e; --bad: #c0281c; --warn: #8f5600;
  --warnground: #fff1d0; --hover: #eef4fa; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161b; --card: #1b2128; --text: #e6eaee;
  --dim: #9aa6b2; --line: #313a44; --link: #7ab8f5; --good: #5ccb95; --bad: #ff8a7d;
  --warn: #f3bd5f; --warnground: #3a2c0d; --hover: #232c36; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.25rem 2rem; max-width: 104rem; background: var(--ground);
  color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
h1 { margin: 0; font-size: 1.4rem; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.1rem; }
nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin-left: auto; }
small, .dim { color: var(--dim); font-size: .85em; }
.banner { margin: 1rem 0 0; padding: .6rem 1rem; border-left: .3rem solid var(--warn);
  border-radius: .3rem; background: var(--warnground); color: var(--warn); font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem;
  margin: 1rem 0 0; }
.card { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); }
.card h3 { margin: 0; color: var(--dim); font-size: .85rem; font-weight: 500; }
.card p { margin: .1rem 0 0; }
.card .coverage { font-size: .85em; }
.card .total { font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.alignment { display: flex; flex-wrap: wrap; gap: .25rem 2rem; align-items: center;
  margin: 0 0 .75rem; }
.alignment p { max-width: 44rem; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
tbody tr:hover, .fleet tbody tr:hover { background: var(--hover); }
th { color: var(--dim); font-weight: 600; vertical-align: bottom; }
th a { display: block; color: inherit; }
th a[aria-current] { color: var(--link); }
td small, th small { display: block; overflow: hidden; text-overflow: ellipsis; }
.fleet td { max-width: 15rem; overflow: hidden; text-overflow: ellipsis; }
.fleet th:first-child, .fleet td:first-child { position: sticky; left: 0; background: inherit; }
.fleet thead, .fleet tr { background: var(--card); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.text { min-width: 16rem; white-space: normal; overflow-wrap: anywhere; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.warn { color: var(--warn); font-weight: 600; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 .6rem; }
input, button { padding: .3rem .6rem; border: 1px solid var(--line); border-radius: .3rem;
  background: var(--card); color: inherit; font: inherit; }
input { width: 20rem; max-width: 100%; }
button { cursor: pointer; }
@media (max-width: 40rem) { body { padding: .75rem .75rem 1.5rem; }
  .cards { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .fleet td { max-width: 9rem; } .card { padding: .6rem .7rem; }
  .card .total { font-size: 1.3rem; } nav { margin-left: 0; } }
"""
