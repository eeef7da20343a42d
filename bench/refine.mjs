// Savings of `refine`, and the distance of its maps from the full ones, on the sample photos.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { attributeTargets, openEngine, prepareImage } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { rankCorrelation, structuralSimilarity } from './similarity.mjs';

const model = 'efficientnet-lite0';
const patch = 32;

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchRefine({ root, quick, report }) {
  const folder = join(root, 'samples/photos');
  const photos = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  const engine = openEngine({ inferenceThreads: availableParallelism() });
  const rows = [];
  try {
    const open = await engine.open(join(root, 'models', model));
    for (const stride of quick ? [8] : [8, 4]) {
      for (const photo of photos) {
        const bytes = readFileSync(join(folder, photo));
        const row = { photo, ...(await compare(open, bytes, stride)) };
        rows.push(row);
        report(
          `refine ${photo} ${patch}/${stride}: ${row.fewer.toFixed(2)}x fewer positions, ` +
            `${row.faster.toFixed(2)}x faster, rank correlation ${row.rankCorrelation.toFixed(3)}, ` +
            `SSIM ${row.ssim.toFixed(3)}, largest error ${row.largestError.toFixed(3)}`,
        );
      }
    }
  } finally {
    await engine.close();
  }
  return rows;
}

/**
 * @param {import('@umbra/engine').OpenModel} open
 * @param {Buffer} photo
 * @param {number} stride
 */
async function compare(open, photo, stride) {
  const input = await prepareImage(photo, open.bundle.input);
  const full = await open.occlude(
    input,
    open.resolve(occlusionSettings.parse({ patch, stride }), input),
  );
  const refined = await open.occlude(
    input,
    open.resolve(occlusionSettings.parse({ patch, stride, refine: true }), input),
  );
  const [a, b] = [full, refined].map(
    ({ plan, scores, baseline }) =>
      attributeTargets(plan, scores, baseline)[0] ?? new Float32Array(),
  );
  if (a === undefined || b === undefined) throw new Error('Expected two maps');
  const computed = refined.predictedClasses.filter(
    (predictedClass) => predictedClass !== -1,
  ).length;
  return {
    model,
    patch,
    stride,
    positions: full.plan.positions,
    computed,
    fewer: full.plan.positions / computed,
    faster: full.milliseconds / refined.milliseconds,
    rankCorrelation: rankCorrelation(a, b),
    ssim: structuralSimilarity(a, b, input),
    /** Max error of the attribution at any pixel, in probability. */
    largestError: a.reduce((max, value, at) => Math.max(max, Math.abs(value - (b[at] ?? 0))), 0),
  };
}
