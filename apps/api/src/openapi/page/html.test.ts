import { expect, test } from 'vitest';
import { html, inline, join, prose } from './html.js';

test('values are escaped, and markup is not escaped twice', () => {
  const name = html`<b>${'<i>&"\''}</b>`;
  expect(name.markup).toBe('<b>&lt;i&gt;&amp;&quot;&#39;</b>');
  expect(html`<p class="${'"x'}">${[name, ' & ', 3]}</p>`.markup).toBe(
    '<p class="&quot;x"><b>&lt;i&gt;&amp;&quot;&#39;</b> &amp; 3</p>',
  );
  expect(join([name, name], ' < ').markup).toBe(`${name.markup} &lt; ${name.markup}`);
});

test('a description has paragraphs and code', () => {
  expect(html`${prose('A `<b>` c\nd\n\nE')}`.markup).toBe(
    '<p>A <code>&lt;b&gt;</code> c\nd</p><p>E</p>',
  );
  expect(prose('')).toEqual([]);
  expect(html`${inline('`a` or `b`')}`.markup).toBe('<code>a</code> or <code>b</code>');
});
