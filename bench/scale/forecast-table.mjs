// Formats the forecast as a Markdown table.

/** @param {ReturnType<typeof import('./forecast.mjs').forecastScale>} forecast */
export function formatForecast(forecast) {
  const head = [
    'workers',
    'window',
    'images/s',
    'hours',
    'threads busy',
    'Redis busy',
    'commands/s',
    'store reads + writes/s',
    'cost of 1,000',
    'narrowest: images/s',
  ];
  const rows = forecast.flatMap(({ workers, asIs, wideWindow }) =>
    [asIs, wideWindow].map((one) => [
      String(workers),
      String(one.windowImages),
      one.imagesPerSecond.toFixed(1),
      one.hours.toFixed(1),
      `${(100 * one.threadUse).toFixed(0)} %`,
      `${(100 * one.redisUse).toFixed(0)} %`,
      one.redisCommandsPerSecond.toFixed(0),
      `${one.storeReadsPerSecond.toFixed(0)} + ${one.storeWritesPerSecond.toFixed(0)}`,
      one.costPerThousandImages.toFixed(3),
      one.limits
        .slice(0, 2)
        .map(({ part, imagesPerSecond }) => `${part} ${imagesPerSecond.toFixed(0)}`)
        .join(', '),
    ]),
  );
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
