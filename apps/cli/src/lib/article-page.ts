import type { ModelBundle } from '@umbra/shared/contracts/model';

/** A picture beside the page. */
export type Figure = { readonly file: string; readonly title: string };
export type Section = {
  readonly title: string;
  readonly words: string;
  readonly figures: readonly Figure[];
};

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** The page that shows the figures of a folder; it needs nothing else. */
export function renderPage(
  { name, licence, source }: Pick<ModelBundle, 'name' | 'licence' | 'source'>,
  sections: readonly Section[],
): string {
  const body = sections.map(
    ({ title, words, figures }) => `<section>
<h2>${escapeHtml(title)}</h2>
<p>${escapeHtml(words)}</p>
<div>
${figures.map(renderFigure).join('\n')}
</div>
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(name)}: the article's figures</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
p { max-width: 45rem; }
div { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: 0.9rem; }
img { max-width: 100%; border: 1px solid #ddd; }
</style>
</head>
<body>
<h1>Looking into ${escapeHtml(name)}</h1>
<p>Weights: ${escapeHtml(source)} (${escapeHtml(licence)}).</p>
${body.join('\n')}
</body>
</html>
`;
}

const renderFigure = ({ file, title }: Figure): string =>
  `<figure><a href="${escapeHtml(file)}"><img src="${escapeHtml(file)}" alt="${escapeHtml(title)}"></a><figcaption>${escapeHtml(title)}</figcaption></figure>`;
