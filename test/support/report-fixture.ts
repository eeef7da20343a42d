import type {
  ClassReport,
  Estimate,
  FlipEdge,
  JobReport,
  PatchCluster,
  Suspect,
} from '@umbra/shared/contracts/report';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { Trial, TrialRequest } from '@umbra/shared/contracts/trial';

// A report as a job of 5,000 photos has it, drawn by a seed: numbers that a page can be looked at with.

export type FixtureImage = { readonly id: string; readonly name: string };
export type ReportFixture = {
  readonly job: string;
  /** Images of the job that the report may name. */
  readonly images: readonly FixtureImage[];
  readonly changes?: Partial<JobReport>;
};

const labels = [
  ...['rocket', 'tabby cat', 'espresso', 'space suit', 'lighthouse'],
  ...['harvestman', 'tench', 'go-kart', 'black-footed ferret', 'volcano'],
];
const side = 16;

/** Mulberry32: numbers in [0, 1). */
function drawsOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const around = (mean: number, halfWidth: number): Estimate => ({
  mean,
  low: mean - halfWidth,
  high: mean + halfWidth,
});

const cellsOf = (valueAt: (y: number, x: number) => number): string =>
  Buffer.from(
    Float32Array.from({ length: side ** 2 }, (_, at) => valueAt(Math.floor(at / side), at % side))
      .buffer,
  ).toString('base64');

/** A bump of evidence, and a weaker one elsewhere. */
function atlasOf(draw: () => number, images: number, isCut: boolean) {
  const [y0, x0, width] = [5 + 6 * draw(), 5 + 6 * draw(), 6 + 14 * draw()];
  const [y1, x1] = [16 * draw(), 16 * draw()];
  const bump = (y: number, x: number) => Math.exp(-((y - y0) ** 2 + (x - x0) ** 2) / width);
  const other = (y: number, x: number) => Math.exp(-((y - y1) ** 2 + (x - x1) ** 2) / 4);
  const known = (y: number, x: number, value: number) =>
    isCut && (y + x < 3 || y + x > 27) ? Number.NaN : value;
  const noise = Array.from({ length: side ** 2 }, draw);
  return {
    images,
    mean: cellsOf((y, x) =>
      known(
        y,
        x,
        0.3 * bump(y, x) - 0.12 * other(y, x) + 0.03 * ((noise[y * side + x] ?? 0) - 0.5),
      ),
    ),
    deviation: cellsOf((y, x) => known(y, x, 0.05 + 0.15 * bump(y, x))),
  };
}

function classOfFixture(index: number, draw: () => number): ClassReport {
  const images = [1_204, 968, 740, 611, 502, 388, 240, 172, 108, 67][index] ?? 50;
  const mean = 0.25 + 0.5 * draw();
  const spread = 1.1;
  const counts = [2, 5, 10, 20, 50, 100, 200, 500, 1_000].filter((count) => count < images);
  const running = [...counts, images].map((count) => ({
    images: count,
    mean: mean + ((draw() - 0.5) * spread) / Math.sqrt(count),
    halfWidth: spread / Math.sqrt(count),
  }));
  const tolerance = 0.05;
  const enough = running.find(({ halfWidth }) => halfWidth <= tolerance)?.images ?? null;
  const isMarked = index === 0 || index === 5;
  const share = isMarked ? 0.62 + 0.1 * draw() : 0.2 + 0.25 * draw();
  const area = 0.45 + 0.15 * draw();
  const place = (given: number, of: number, isSignificant: boolean) => ({
    images,
    share: around(given, 0.6 / Math.sqrt(images)),
    area: of,
    excess: around(given - of, 0.6 / Math.sqrt(images)),
    p: isSignificant ? 0.00012 : 0.2 + 0.7 * draw(),
    adjusted: isSignificant ? 0.0006 : 0.4 + 0.6 * draw(),
    isSignificant,
  });
  const border = index === 5 ? 0.55 : 0.14 + 0.15 * draw();
  return {
    class: { index: index * 97, label: labels[index] ?? `class ${index}` },
    images,
    accuracy: around(0.72 + 0.2 * draw(), 0.8 / Math.sqrt(images)),
    drop: around(mean, spread / Math.sqrt(images)),
    flipped: around(0.05 + 0.2 * draw(), 0.5 / Math.sqrt(images)),
    atlas: { input: atlasOf(draw, images, false), object: atlasOf(draw, images, true) },
    running,
    enough: { images: enough, tolerance },
    offObject: {
      ...place(share, area, isMarked),
      follows: { p: isMarked ? 0.6 : 0.0004, adjusted: isMarked ? 0.7 : 0.002 },
    },
    border: place(border, 0.36, index === 5),
  };
}

/** Members are images in turn, so that their crops are there. */
function clusterOf(id: number, draw: () => number, images: readonly FixtureImage[]): PatchCluster {
  const index = [0, 5, 0, 1, 2, 1, 3, 4, 2, 6, 7, 3][id] ?? 0;
  const count = Math.round(150 - 11 * id);
  const medianDrop = 0.7 - 0.04 * id;
  const first = (id * 5) % images.length;
  const shown = [...images.slice(first), ...images.slice(0, first)].slice(0, 14);
  return {
    id,
    class: { index: index * 97, label: labels[index] ?? '' },
    images: count,
    share: [0.62, 0.55, 0.2, 0.41, 0.38, 0.3, 0.33, 0.29, 0.27, 0.31, 0.35, 0.22][id] ?? 0.2,
    medianDrop,
    medianLoss: Math.min(1, medianDrop + 0.1),
    compactness: 0.9 - 0.03 * id,
    weight: 1 - 0.07 * id,
    offObject: [0.96, 0.88, 0.05, 0.12, 0, 0.31, 0.07, 0.22, 0.02, 0.4, 0.11, 0.09][id] ?? null,
    place: {
      y: { mean: 0.2 + 0.6 * draw(), deviation: 0.05 + 0.1 * draw() },
      x: { mean: 0.2 + 0.6 * draw(), deviation: 0.05 + 0.1 * draw() },
    },
    members: shown.map((image, at) => ({
      ...image,
      drop: medianDrop - 0.01 * at,
      box: { top: 24, left: 24, bottom: 72, right: 72 },
      similarity: 0.97 - 0.01 * at,
    })),
  };
}

function flipOf(at: number, draw: () => number, images: readonly FixtureImage[]): FlipEdge {
  const from = at % labels.length;
  const to = (from + 1 + Math.floor(draw() * (labels.length - 1))) % labels.length;
  const count = Math.max(1, Math.round(260 * 0.88 ** at));
  const named = (index: number) => ({ index: index * 97, label: labels[index] ?? '' });
  return {
    from: named(from),
    to: at === 7 ? null : named(to),
    images: count,
    share: count / 1_000,
    positions: count * 9,
    examples: images.slice(at % 7, (at % 7) + 4).map((image) => ({
      ...image,
      box: { top: 20, left: 30, bottom: 68, right: 78 },
    })),
  };
}

const reasons = [
  'Its evidence lies where that of its class does not: 71 % of it is off the object, against 22 % in the class.',
  'Its label is another class than the one that is predicted.',
  'Its strongest patch is in the border.',
];

const suspectOf = (at: number, image: FixtureImage): Suspect => ({
  ...image,
  label: labels[at % labels.length] ?? null,
  predicted: {
    index: 97 * ((at + 2) % labels.length),
    label: labels[(at + 2) % labels.length] ?? '',
  },
  class: { index: 97 * (at % labels.length), label: labels[at % labels.length] ?? '' },
  drop: 0.8 - 0.03 * at,
  distance: 0.94 - 0.02 * at,
  z: 8.4 - 0.3 * at,
  reasons: reasons.slice(0, 1 + (at % 3)),
});

/** @returns `report.json`, valid by its contract. */
export function makeReport({ job, images, changes = {} }: ReportFixture): JobReport {
  const draw = drawsOf(18);
  const classes = labels.map((_, index) => classOfFixture(index, draw));
  const suspects = images.slice(0, 20).map((image, at) => suspectOf(at, image));
  return {
    version: 1,
    job,
    model: { name: 'efficientnet-lite0', digest: 'ab'.repeat(32) },
    settings: settings(),
    request: { others: [], patches: 2_000, checkedImages: 16, seed: 1 },
    writtenAt: '2026-11-30T17:00:00.000Z',
    images: { total: 5_000, ended: 5_000, read: 5_000 },
    isComplete: true,
    groupBy: 'label',
    lattice: { rows: side, columns: side },
    input: { height: 224, width: 224 },
    metrics: {
      images: 5_000,
      accuracy: 0.8312,
      drop: 0.4871,
      flipped: 0.1234,
      'off-object': 0.3821,
      border: 0.2215,
      'significant-classes': 2,
      'off-object-cluster': 0.62,
      unstable: 0.062,
      suspects: suspects.length,
    },
    classes,
    patches: {
      layer: '/features/GlobalAveragePool_output_0',
      reason: null,
      images: 2_000,
      candidates: 5_000,
      choices: classes.map(({ class: of }, at) => ({
        class: of,
        clusters: at < 8 ? 2 : 1,
        silhouette: at < 8 ? 0.41 : null,
      })),
      clusters: Array.from({ length: 12 }, (_, id) => clusterOf(id, draw, images)),
    },
    flips: Array.from({ length: 40 }, (_, at) => flipOf(at, draw, images)),
    trust: {
      agreement: {
        maps: [
          { name: '16 × 16 px', job: null },
          { name: '32 × 32 px', job: null },
        ],
        images: 5_000,
        mean: around(0.71, 0.008),
        threshold: 0.5,
        unstable: 310,
        histogram: [
          ...[0, 0, 0, 0, 0, 0, 0, 4, 9, 14],
          ...[22, 31, 45, 75, 110, 560, 1_220, 1_670, 980, 260],
        ],
        worst: images.slice(0, 12).map((image, at) => ({ ...image, agreement: -0.21 + 0.04 * at })),
      },
      order: {
        images: 16,
        steps: 20,
        deletion: around(0.22, 0.05),
        randomDeletion: around(0.47, 0.06),
        insertion: around(0.71, 0.06),
        randomInsertion: around(0.52, 0.06),
        p: { deletion: 0.0002, insertion: 0.0011 },
      },
    },
    suspects,
    notes: ['2,000 of 5,000 decisive patches were run: 200 of each class, drawn by the seed.'],
    ...changes,
  };
}

const settings = (): JobReport['settings'] =>
  occlusionSettings.parse({
    patch: [16, 32],
    stride: 16,
    fill: { kind: 'blur', sigma: 8 },
    target: { kind: 'label' },
  });

type Numbers = { readonly before: number; readonly after: number };

const armOf = (images: number, right: Numbers, asClass: Numbers) => ({
  images,
  ...right,
  difference: around(right.after - right.before, 0.03),
  asClass: { ...asClass, difference: around(asClass.after - asClass.before, 0.02) },
});

/** A trial in which the patch carries the class. */
export function makeTrial(job: string, request: TrialRequest, changes: Partial<Trial> = {}): Trial {
  return {
    version: 1,
    id: `trial_${'0123456789'.repeat(2)}`,
    job,
    model: { name: 'efficientnet-lite0', digest: 'ab'.repeat(32) },
    request,
    state: 'completed',
    createdAt: '2026-11-30T17:05:00.000Z',
    startedAt: '2026-11-30T17:05:01.000Z',
    endedAt: '2026-11-30T17:05:40.000Z',
    progress: { done: 600, total: 600 },
    class: { index: 0, label: 'rocket' },
    result: {
      cover: armOf(150, { before: 0.93, after: 0.58 }, { before: 0.93, after: 0.58 }),
      coverElsewhere: armOf(150, { before: 0.93, after: 0.9 }, { before: 0.93, after: 0.9 }),
      paste: armOf(450, { before: 0.82, after: 0.57 }, { before: 0.01, after: 0.31 }),
      pasteOther: armOf(450, { before: 0.82, after: 0.79 }, { before: 0.01, after: 0.03 }),
      coverEffect: { right: around(-0.32, 0.08), asClass: around(-0.32, 0.08) },
      pasteEffect: { right: around(-0.22, 0.04), asClass: around(0.28, 0.04) },
    },
    error: null,
    ...changes,
  };
}
