import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';

/** A picture of the page's folder. */
export type Figure = {
  readonly file: string;
  readonly title: string;
  /** What is to be seen, in words for those who do not see it. */
  readonly alt: string;
  /** Extent of the picture, px. */
  readonly size: Size;
};

export type Section = {
  readonly title: string;
  readonly words: string;
  /** Groups of figures; those of a group are to be compared, and so lie side by side. */
  readonly groups: readonly (readonly Figure[])[];
};

const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** Figures of a group fit side by side from this width on; below it they are stacked. */
const besideFrom = '48rem';

// Pictures have a white ground and dark words of their own, and so are the same on a dark page.
const style = `
:root { color-scheme: light dark; --ground: #ffffff; --words: #222222; --line: #767676; --link: #0b57d0; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --words: #e6e6e6; --line: #8a8f98; --link: #8ab4f8; }
}
@media print { :root { --ground: #ffffff; --words: #000000; } .figures { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--ground); color: var(--words); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
p { max-width: 45rem; }
a { color: var(--link); }
.figures { display: grid; gap: 1rem; margin-block: 1rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
figure { margin: 0; }
figure a { display: block; }
figcaption { font-size: 0.9rem; }
img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line); background: #ffffff; }
@media (min-width: ${besideFrom}) {
  .beside { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}`;

/** The page that shows the figures of a folder; it needs nothing else. */
export function renderPage(
  { name, licence, source }: Pick<ModelBundle, 'name' | 'licence' | 'source'>,
  sections: readonly Section[],
): string {
  const body = sections.map(
    ({ title, words, groups }) => `<section>
<h2>${escapeHtml(title)}</h2>
<p>${escapeHtml(words)}</p>
${groups
  .filter(({ length }) => length > 0)
  .map(renderGroup)
  .join('\n')}
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)}: the article's figures</title>
<style>${style}
</style>
</head>
<body>
<main>
<h1>Looking into ${escapeHtml(name)}</h1>
<p>Weights: ${escapeHtml(source)} (${escapeHtml(licence)}).</p>
${body.join('\n')}
</main>
</body>
</html>
`;
}

const renderGroup = (figures: readonly Figure[]): string =>
  `<div class="figures${figures.length > 1 ? ' beside' : ''}">
${figures.map(renderFigure).join('\n')}
</div>`;

function renderFigure({ file, title, alt, size }: Figure): string {
  // A photo's name may hold what an address takes for its end.
  const address = escapeHtml(encodeURIComponent(file));
  return `<figure><a href="${address}"><img src="${address}" alt="${escapeHtml(alt)}" width="${size.width}" height="${size.height}"></a><figcaption>${escapeHtml(title)}</figcaption></figure>`;
}
