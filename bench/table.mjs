// Formats rows of the engine's benchmark as a Markdown table.

/** @param {any[]} rows */
export function formatRows(rows) {
  const head = [
    'model, patch/stride',
    'positions',
    'dense',
    'incremental',
    'gain',
    'x Captum',
    'x PyTorch compiled',
    "x article's loop",
    'largest difference',
  ];
  const lines = rows.map((row) => {
    const { dense, incremental, captum, torchCompiled, torch, articleLoop } =
      row.positionsPerSecond;
    const best = Math.max(dense, incremental);
    const times = (/** @type {number | null} */ peer) =>
      peer === null ? '' : `${(best / peer).toFixed(1)}`;
    return [
      `${row.model} ${row.patch}/${row.stride}`,
      String(row.positions),
      dense.toFixed(1),
      incremental.toFixed(1),
      `${row.gain.toFixed(2)}`,
      times(captum),
      times(torchCompiled ?? torch),
      times(articleLoop),
      row.maxAbsDiff.toExponential(1),
    ];
  });
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}
