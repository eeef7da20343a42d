import { parseArgs } from 'node:util';
import { type InferencePlan, openEngine, planOcclusion } from '@umbra/engine';
import { engineFlags, engineOptions } from '../lib/engine-flags.js';
import { findModel } from '../lib/find-model.js';
import { parseSize } from '../lib/output.js';
import { parseSettings, settingsFlags } from '../lib/settings-flags.js';
import { alignColumns } from '../lib/summary.js';

export const planUsage = `  umbra plan --model NAME|DIR [--patch 32] [--stride 16] [--strategy auto] [--size HxW] [--json]
      how positions would be computed: the segments that reuse the clean run, arithmetic saved, gain
      --size HxW              extent of the input, px, where the model takes any   [the model's]`;

/** Print how a model would be run for some settings. */
export async function plan(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...settingsFlags,
      ...engineFlags,
      model: { type: 'string', default: 'efficientnet-lite0' },
      size: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const settings = parseSettings(values);
  const engine = openEngine(engineOptions(values));
  try {
    const model = await engine.open(findModel(values.model));
    const size = parseSize(values.size) ?? model.bundle.input;
    const { positions } = planOcclusion(size, settings);
    const found = await model.plan(size, settings);
    process.stderr.write(`${formatPlan(found, positions)}\n`);
    if (values.json) process.stdout.write(`${JSON.stringify({ positions, ...found })}\n`);
  } finally {
    await engine.close();
  }
}

function formatPlan(found: InferencePlan, positions: number): string {
  const { strategy, patch, segments, wholeNodes, macs, gain } = found;
  const rows = segments.map(({ from, to, nodes, method }, index) => [
    String(index + 1),
    from,
    to,
    String(nodes),
    method,
  ]);
  const rest = ['', 'the rest', '', String(wholeNodes), 'whole maps'];
  const table =
    segments.length === 0
      ? []
      : [alignColumns([['segment', 'from', 'to', 'nodes', 'method'], ...rows, rest]), ''];
  return [
    ...table,
    `Strategy: ${strategy}, for patches of up to ${patch.height}x${patch.width} px at ${positions} positions`,
    `Multiply-adds a position: ${formatMacs(macs)}`,
    `Expected gain over dense: ${gain.toFixed(2)}x`,
  ].join('\n');
}

function formatMacs(macs: InferencePlan['macs']): string {
  if (macs === null) return 'unknown';
  const { dense, chosen } = macs;
  const millions = (count: number) => `${(count / 1e6).toFixed(0)} M`;
  if (chosen === dense) return millions(dense);
  return `${millions(chosen)} of ${millions(dense)}, ${(dense / chosen).toFixed(2)}x fewer`;
}
