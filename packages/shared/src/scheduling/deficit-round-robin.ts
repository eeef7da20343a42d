/** Somebody with work to be served. */
export type Flow = {
  readonly id: string;
  /** Its share beside the others', > 0. */
  readonly weight: number;
  /** Cost of its next piece of work, in any one unit, > 0. */
  readonly cost: number;
};

export type RoundRobin = {
  /**
   * Whose next piece of work is served; its cost counts as spent.
   *
   * @param ready All flows that have work now. A flow that is left out loses what it has saved up.
   * @returns null when nobody has work.
   */
  next(ready: readonly Flow[]): string | null;
};

/** Costs and quanta are sums of fractions: a flow must not miss its turn by a rounding. */
const tolerance = 1 - 1e-9;

/**
 * Serve flows in proportion to their weights, whatever their pieces of work cost.
 *
 * Each turn adds a quantum to a flow's credit, which it spends until its next piece costs more. The
 * quantum is the smallest that lets every flow be served in each round, so that no flow waits for more
 * than one round of the others.
 *
 * @see M. Shreedhar, G. Varghese, "Efficient fair queuing using deficit round-robin", 1996.
 */
export function createRoundRobin(): RoundRobin {
  /** Credit by flow, in the order of turns: the first has its turn. */
  const credits = new Map<string, number>();
  return {
    next(ready) {
      const flows = new Map(ready.map((flow) => [flow.id, flow]));
      for (const id of credits.keys()) if (!flows.has(id)) credits.delete(id);
      for (const id of flows.keys()) if (!credits.has(id)) credits.set(id, 0);
      const quantum = Math.max(...ready.map(({ cost, weight }) => cost / weight));
      for (;;) {
        const [turn] = credits;
        if (turn === undefined) return null;
        const [id, credit] = turn;
        const { cost = 1, weight = 1 } = flows.get(id) ?? {};
        if (credit >= cost * tolerance) {
          credits.set(id, credit - cost);
          return id;
        }
        credits.delete(id);
        credits.set(id, credit + quantum * weight);
      }
    },
  };
}
