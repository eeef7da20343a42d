/** One reading of `/metrics`: series, written as in the text format, and their values. */
export type Reading = {
  /** @param series Name and labels in the order they are printed, as `name{a="1"}`. */
  get(series: string): number | undefined;
  /** All values of a metric, whatever its labels. */
  sum(name: string): number;
  readonly names: ReadonlySet<string>;
  /** Every metric there is, with or without a series, by the names that its series have. */
  readonly declared: ReadonlySet<string>;
};

export async function readMetrics(url: string | undefined): Promise<Reading> {
  const response = await fetch(`${url}/metrics`);
  if (!response.ok) throw new Error(`Expected metrics at ${url}, got ${response.status}`);
  const values = new Map<string, number>();
  const declared = new Set<string>();
  for (const line of (await response.text()).split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      const parts = type === 'histogram' ? ['_bucket', '_count', '_sum'] : [''];
      for (const part of parts) declared.add(name + part);
    }
    if (line === '' || line.startsWith('#')) continue;
    const end = line.lastIndexOf(' ');
    values.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  const nameOf = (series: string) => series.split('{')[0] ?? series;
  return {
    get: (series) => values.get(series),
    sum: (name) =>
      [...values].reduce((sum, [series, value]) => sum + (nameOf(series) === name ? value : 0), 0),
    names: new Set([...values.keys()].map(nameOf)),
    declared,
  };
}
