import { type IncrementalStop, type InferencePlan, openEngine } from '@umbra/engine';
import { type EngineFlags, parseEngineOptions } from '../lib/engine-flags.js';
import { findModel } from '../lib/find-model.js';
import { parseSize } from '../lib/flags.js';
import { formatMacs } from '../lib/format-macs.js';
import { printJson } from '../lib/output.js';
import { parseSettings, type SettingsFlags } from '../lib/settings-flags.js';
import { alignColumns } from '../lib/summary.js';

export type PlanOptions = SettingsFlags &
  EngineFlags & { readonly model: string; readonly size?: string; readonly json?: boolean };

/** Print how a model would be run for some settings. */
export async function plan(options: PlanOptions): Promise<void> {
  const settings = parseSettings(options);
  const limits = parseEngineOptions(options);
  const engine = openEngine(limits);
  try {
    const model = await engine.open(findModel(options.model));
    const size = parseSize(options.size) ?? model.bundle.input;
    const resolved = model.resolve(settings, size);
    const { positions } = resolved.plan;
    const found = await model.plan(resolved);
    process.stderr.write(`${formatPlan(found, positions)}\n`);
    if (options.json) printJson({ positions, ...found });
  } finally {
    await engine.close();
  }
}

function formatPlan(found: InferencePlan, positions: number): string {
  const { strategy, patch, segments, wholeNodes, macs, stop, gain } = found;
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
    `Multiply-adds a position: ${describeMacs(macs)}`,
    ...(stop === null ? [] : [describeStop(stop)]),
    `Expected gain over dense: ${gain === null ? 'not known' : `${gain.toFixed(2)}x`}`,
  ].join('\n');
}

/** Why the network runs on whole maps from some node on. */
const stopWords: Readonly<Record<IncrementalStop['reason'], string>> = {
  head: 'begins the head',
  attention: 'leads to attention, where places read each other',
  'squeeze-and-excitation':
    'averages whole maps, to scale every place by the result (squeeze-and-excitation)',
  normalization: 'normalizes by whole maps',
  'whole maps': 'reads whole maps',
  'unknown operation': 'is an operation that windows are not followed through',
  extents: 'it computes with extents that windows do not have',
  branches: 'it has branches or loops',
  'number type': 'it takes other numbers than float32',
  rounding: 'it rounds to coarser numbers than float32 (quantized, or float16)',
  'other numbers': 'gives other numbers than float32',
  'old opset': 'it is of an operator set before 11',
};

function describeStop({ reason, node, macsBefore }: IncrementalStop): string {
  if (node === null) return `Windows: none, since ${stopWords[reason]}`;
  const share = macsBefore === null ? 'a part not known' : `${(100 * macsBefore).toFixed(0)} %`;
  return `Windows: up to '${node.name}' (${node.op}), which ${stopWords[reason]}; ${share} of the multiply-adds come before it`;
}

function describeMacs(macs: InferencePlan['macs']): string {
  if (macs === null) return formatMacs(null);
  const { dense, chosen } = macs;
  if (chosen === dense) return formatMacs(dense);
  return `${formatMacs(chosen)} of ${formatMacs(dense)}, ${(dense / chosen).toFixed(2)}x fewer`;
}
