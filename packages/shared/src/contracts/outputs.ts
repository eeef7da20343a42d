import { z } from 'zod';

/** Kinds of files that an image's result has beside `result.json`. */
const kinds = [
  'heatmap',
  'overlay',
  'thumbnail',
  'scores',
  'predicted-classes',
  'attribution',
] as const;

export const fileKind = z.enum(kinds);
export type FileKind = z.output<typeof fileKind>;

/** Kinds whose files are stored, or asked for, in the order of `kinds`. */
export type Outputs = readonly FileKind[];

export const allOutputs: Outputs = kinds;

/** Every other file is drawn from these, so they are always stored. */
const sources: Outputs = ['scores', 'predicted-classes'];

/** Bring kinds in order, each once, and add those that are always stored. */
const withSources = (asked: Outputs): FileKind[] =>
  kinds.filter((kind) => asked.includes(kind) || sources.includes(kind));

/** What a look at each image needs; the rest is drawn when somebody asks for it. */
export const defaultOutputs: Outputs = withSources(['heatmap', 'thumbnail']);

/** Kinds to store. */
export const storedOutputs = z.array(fileKind).readonly();

/** Kinds that a user wants stored; scores and predicted classes always are. */
export const askedOutputs = z.array(fileKind).max(kinds.length).overwrite(withSources).readonly();

/** Kinds as one word: `all`, or some of them, separated by commas. */
export const outputList = z
  .string()
  .regex(
    new RegExp(`^(all|(${kinds.join('|')})(,(${kinds.join('|')}))*)$`),
    `Expected all, or some of ${kinds.join(', ')}, separated by commas`,
  )
  .transform((list): Outputs => {
    const asked = list.split(',');
    return list === 'all' ? kinds : kinds.filter((kind) => asked.includes(kind));
  });
