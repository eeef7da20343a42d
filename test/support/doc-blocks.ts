import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A block of commands of a page. */
export type DocBlock = {
  /** Path of the page from the root. */
  readonly page: string;
  /** Line of the fence, from 1. */
  readonly line: number;
  readonly language: 'sh' | 'ts';
  readonly code: string;
  /** Why it is not run, as `<!-- not run: ... -->` in the line before it says; null where it is. */
  readonly notRun: string | null;
};

/** The pages that users read, and their blocks of commands, in order. */
export async function readDocBlocks(root: string): Promise<DocBlock[]> {
  const names = await readdir(join(root, 'docs'), { recursive: true });
  const pages = names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  const blocks: DocBlock[] = [];
  for (const page of ['README.md', ...pages.sort()]) {
    blocks.push(...findBlocks(page, await readFile(join(root, page), 'utf8')));
  }
  return blocks;
}

export function findBlocks(page: string, text: string): DocBlock[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const [, indent = '', language] = /^( *)```(sh|ts)$/.exec(line) ?? [];
    if (language === undefined) return [];
    const end = lines.indexOf(`${indent}\`\`\``, index);
    const body = lines.slice(index + 1, end).map((one) => one.slice(indent.length));
    const [, notRun = null] = /<!-- not run: (.+) -->$/.exec(lines[index - 1] ?? '') ?? [];
    return [
      { page, line: index + 1, language: language as 'sh' | 'ts', code: body.join('\n'), notRun },
    ];
  });
}
