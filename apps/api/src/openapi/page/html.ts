/** Markup; text that is none is escaped before it becomes part of it. */
export type Html = { readonly markup: string };

type Insertable = Html | string | number | readonly Insertable[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeText = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (one) => escapes[one] ?? one);

const write = (part: Insertable): string => {
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return String(part);
  if ('markup' in part) return part.markup;
  return part.map(write).join('');
};

/** Markup of a template, whose values are escaped unless they are markup. Lists are written one after another. */
export const html = (strings: TemplateStringsArray, ...values: readonly Insertable[]): Html => ({
  markup: String.raw({ raw: strings }, ...values.map(write)),
});

/** Several pieces of markup with others between them. */
export const join = (parts: readonly Html[], between: string): Html => ({
  markup: parts.map(write).join(escapeText(between)),
});

/** Markup of a description: paragraphs, with `code` between backticks; none of an empty one. */
export const prose = (text: string): Html[] =>
  text
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => html`<p>${inline(paragraph)}</p>`);

/** Markup of one line of a description. */
export const inline = (text: string): Html[] =>
  text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
