/** The page's one style sheet; it loads nothing. */
export const style = `
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --link: #0550ae }
@media (prefers-color-scheme: dark) { :root { --link: #79c0ff } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText }
a { color: var(--link) }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.skip { position: absolute; left: -99rem }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem; background: Canvas }
header, main, nav { padding: 1rem; max-width: 75rem }
nav ul { padding-left: 1rem; margin: 0 0 1rem }
nav h2 { font-size: 1rem; margin: 0 }
section { border-top: 1px solid var(--line); padding: .5rem 0 1rem }
h2 { margin-top: 2rem }
h3 { margin: .5rem 0 }
h4 { margin: 1rem 0 .25rem }
.summary { font-weight: 600 }
code { font: .9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
pre { white-space: pre-wrap; padding: .75rem; margin: 0; background: var(--soft); border: 1px solid var(--line) }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; table-layout: fixed }
caption { text-align: left; font-weight: 600; padding: .25rem 0 }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border: 1px solid var(--line); overflow-wrap: anywhere }
tbody th { font-weight: 400 }
th:nth-child(1), th:nth-child(2) { width: 32% }
td ul { margin: 0; padding-left: 1rem }
dl { display: grid; grid-template-columns: max-content 1fr; column-gap: 1rem; margin: .25rem 0 }
dd { margin: 0 }
@media (min-width: 64rem) {
  body { display: grid; grid-template: auto auto / 20rem 1fr }
  header { grid-column: 1 / 3 }
  nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto }
}
`;
