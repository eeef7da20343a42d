import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from './program.js';

const umbra = fileURLToPath(new URL('../bin/umbra.mjs', import.meta.url));

/** Every command with its path, from the root of the tree. */
function commandsOf(command: Command, path: readonly string[] = []): [string[], Command][] {
  const own = [...path, command.name()];
  return [[own, command], ...command.commands.flatMap((one) => commandsOf(one, own))];
}

/** The program with commands that run nothing. */
function createIdleProgram(): { program: Command; called: string[] } {
  const program = createProgram();
  const called: string[] = [];
  for (const [path, command] of commandsOf(program)) {
    if (command.commands.length > 0) continue;
    command.action(() => {
      called.push(path.join(' '));
    });
  }
  return { program, called };
}

/** Words as a shell splits them, for examples without quotes. */
const wordsOf = (example: string): string[] => example.split(' ').slice(1);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (written) => {
      text += written;
    },
  });
  command.outputHelp();
  return text;
}

describe('umbra', () => {
  test.each(
    commandsOf(createProgram()).map(([path, command]) => [path.join(' '), command] as const),
  )(
    '%s --help describes every option and ends with an example that parses',
    async (path, command) => {
      const text = helpOf(command);
      expect(text).toContain(command.summary());
      for (const { description } of [...command.options, ...command.registeredArguments]) {
        expect(description).not.toBe('');
      }
      const [, examples = ''] = text.split('Examples:\n');
      const lines = examples
        .trim()
        .split('\n')
        .map((line) => line.trim());
      expect(lines[0]).toMatch(/^umbra /);
      for (const line of lines.filter((one) => !one.endsWith('--help'))) {
        const { program, called } = createIdleProgram();
        await program.parseAsync(wordsOf(line), { from: 'user' });
        expect(called).toEqual([expect.stringContaining(path)]);
      }
    },
  );

  test.each([
    ['dream', "Unknown command 'dream': 'umbra --help' lists them"],
    ['explian', "Unknown command 'explian', did you mean explain?: 'umbra --help' lists them"],
    [
      'explain a.png --patc 3',
      "Unknown option '--patc', did you mean --patch?: 'umbra explain --help' lists them",
    ],
    ['keys lst', "Unknown command 'lst', did you mean list?: 'umbra keys --help' lists them"],
    [
      'keys',
      "Expected one of create, list, rotate, revoke, got none: 'umbra keys --help' lists them",
    ],
    ['explain', 'Expected at least one PHOTO, got none'],
    ['layers a b', "Expected one MODEL, got 'a b'"],
    ['plan a', "Expected no arguments, got 'a'"],
    ['explain a.png --out', 'Expected --out DIR, got none'],
    ['explain a.png --out --json', "Expected --out DIR, got '--json'"],
  ])('%s is answered in one line', async (line, message) => {
    const { program, called } = createIdleProgram();
    const run = program.parseAsync(line.split(' '), { from: 'user' });
    await expect(run).rejects.toMatchObject({ code: 'invalid_input', message });
    expect(called).toEqual([]);
  });
});

/** Every module but the commands' definitions that a run of the program loads, by V8's coverage. */
async function listModules(args: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-modules-'));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    await promisify(execFile)(process.execPath, [umbra, ...args], { env }).catch(() => undefined);
    const urls: string[] = [];
    for (const name of await readdir(folder)) {
      const { result } = JSON.parse(await readFile(join(folder, name), 'utf8')) as {
        result: { url: string }[];
      };
      urls.push(...result.map(({ url }) => url));
    }
    expect(urls).toContainEqual(expect.stringContaining('apps/cli/dist/program.js'));
    const root = new URL('../../../', import.meta.url).href;
    return urls
      .filter((url) => url.startsWith(root))
      .map((url) => url.slice(root.length))
      .filter(
        (path) =>
          !/^apps\/cli\/(bin|dist\/(main|program|commands\/.*|lib\/(command|options|exit-codes|interrupts)))\b/.test(
            path,
          ),
      );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test.each([[['--help']], [['--version']], [['explain', '--help']], [['explain', '--patc']]])(
  '%j loads nothing that only commands need',
  async (args) => {
    const modules = await listModules(args);
    const own = modules.filter((path) => !path.startsWith('node_modules/commander/'));
    expect(own.sort()).toEqual([
      'packages/shared/dist/errors.js',
      'packages/shared/dist/version.js',
      'packages/shared/dist/visible-text.js',
    ]);
  },
);
