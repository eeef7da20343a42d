import { mustGet } from '@umbra/shared/assert';
import type { FlipEdge } from '@umbra/shared/contracts/report';
import type { ImageEvidence, NamedClass } from './evidence.js';

const maxEdges = 500;
const maxExamples = 6;
/** Edges that are counted at once, of 100 bytes each. */
const maxCounted = 200_000;

type CountedEdge = {
  readonly from: NamedClass;
  readonly to: NamedClass | null;
  images: number;
  positions: number;
};
type FlipExample = FlipEdge['examples'][number] & { readonly drop: number };

/** What wins where evidence of a class is covered. Counts come first; then examples, of what was counted. */
export type FlipGraph = {
  count(image: ImageEvidence): void;
  /** Every image again, once all are counted. */
  exemplify(image: ImageEvidence): void;
  finish(): { readonly flips: FlipEdge[]; readonly isPruned: boolean };
};

export function createFlipGraph(): FlipGraph {
  const predictions = new Map<number, number>();
  let edges = new Map<string, CountedEdge>();
  let isPruned = false;
  let examples: Map<string, FlipExample[]> | null = null;

  const chosen = () => [...edges].sort(([, a], [, b]) => compareEdges(a, b)).slice(0, maxEdges);

  return {
    count(image) {
      // Where no class is predicted, no decision changes.
      if (image.predicted.aboveThreshold === false) return;
      const { index, label } = image.predicted;
      predictions.set(index, (predictions.get(index) ?? 0) + 1);
      for (const { to, positions } of image.flips) {
        const key = keyOf(index, to);
        const edge = edges.get(key) ?? { from: { index, label }, to, images: 0, positions: 0 };
        edge.images += 1;
        edge.positions += positions;
        edges.set(key, edge);
      }
      if (edges.size <= maxCounted) return;
      edges = new Map(
        [...edges].sort(([, a], [, b]) => compareEdges(a, b)).slice(0, maxCounted / 2),
      );
      isPruned = true;
    },
    exemplify({ id, name, predicted, flips }) {
      examples ??= new Map(chosen().map(([key]) => [key, []]));
      if (predicted.aboveThreshold === false) return;
      for (const { to, drop, box } of flips) {
        const found = examples.get(keyOf(predicted.index, to));
        if (found === undefined) continue;
        found.push({ id, name, box, drop });
        found.sort((a, b) => b.drop - a.drop || compareText(a.id, b.id));
        found.length = Math.min(found.length, maxExamples);
      }
    },
    finish: () => ({
      flips: chosen().map(([key, edge]) => ({
        ...edge,
        share: edge.images / mustGet(predictions, edge.from.index),
        examples: (examples?.get(key) ?? []).map(({ drop: _, ...example }) => example),
      })),
      isPruned,
    }),
  };
}

const keyOf = (from: number, to: NamedClass | null): string => `${from} ${to?.index ?? 'none'}`;

/** The most images first, then the most positions. */
const compareEdges = (a: CountedEdge, b: CountedEdge): number =>
  b.images - a.images ||
  b.positions - a.positions ||
  a.from.index - b.from.index ||
  (a.to?.index ?? -1) - (b.to?.index ?? -1);

const compareText = (a: string, b: string): number => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};
