import type { JobStatus } from '@umbra/shared/contracts/job';
import { fillText, targetText } from './snippets.js';

/** What two jobs do otherwise, in words. */
export type JobDifference = { readonly name: string; readonly a: string; readonly b: string };

type Described = Pick<JobStatus, 'dataset' | 'model' | 'settings'>;

/** Digits of a digest that tell two of them apart. */
const shortDigits = 12;

/** What two jobs do otherwise that may change their maps; nothing where all of it is the same. */
export function jobDifferences(a: Described, b: Described): readonly JobDifference[] {
  const [ofA, ofB] = [wordsOf(a), wordsOf(b)];
  const names = Object.keys(ofA) as readonly (keyof typeof ofA)[];
  return names
    .filter((name) => ofA[name] !== ofB[name])
    .filter((name) => name !== 'Version' || a.model.name === b.model.name)
    .map((name) => ({ name, a: ofA[name], b: ofB[name] }));
}

function wordsOf({ dataset, model, settings }: Described) {
  const { patch, stride, edge, fill, target, score, refine } = settings;
  const patches = 'height' in patch ? [patch] : patch;
  return {
    Model: model.name,
    Version: model.digest.slice(0, shortDigits),
    Photos: dataset,
    Patch: `${patches.map(({ width, height }) => `${width} × ${height}`).join(', ')} px`,
    Stride: `${stride.x} × ${stride.y} px`,
    Edge: edge,
    Fill: fillText(fill),
    Target: targetText(target),
    Score: score,
    Refine: refine === null ? 'no' : `every ${refine.every}, share ${refine.share}`,
  };
}
