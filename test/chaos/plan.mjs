// Which faults come in which round: by chance, each kind at least once, and as many kills as are asked for.

/** @typedef {import('./fault.mjs').Fault} Fault */
/** @typedef {{ readonly kind: import('../trials/fleet.mjs').StoreKind, readonly faults: readonly Fault[] }} Round */

const maxFaultsARound = 3;

/**
 * @param {object} options
 * @param {readonly Fault[]} options.faults
 * @param {readonly import('../trials/fleet.mjs').StoreKind[]} options.kinds
 * @param {number} options.kills at least, over all rounds
 * @param {boolean} options.isShort each fault once, on one of its stores
 * @param {import('../trials/chance.mjs').Chance} chance
 * @returns {Round[]} those of one store after those of the other
 */
export function planRounds({ faults, kinds, kills, isShort }, chance) {
  return kinds.flatMap((kind, turn) => {
    const here = faults.filter(({ stores }) => stores.includes(kind));
    const wanted = isShort ? here.filter((fault) => isTurn(faults, fault, turn, kinds)) : here;
    const chosen = [...wanted];
    const killing = here.filter((fault) => fault.kills > 0);
    const target = kills / kinds.length;
    while (killing.length > 0 && countKills(chosen) < target) chosen.push(chance.pick(killing));
    return intoRounds(chance.shuffle(chosen), isShort, chance).map((some) => ({
      kind,
      faults: some,
    }));
  });
}

/** @param {readonly Fault[]} faults */
export const countKills = (faults) => faults.reduce((sum, { kills }) => sum + kills, 0);

/**
 * Whether the short form tries the fault on this store: those of every store take turns.
 *
 * @param {readonly Fault[]} faults
 * @param {Fault} fault
 * @param {number} turn
 * @param {readonly unknown[]} kinds
 */
function isTurn(faults, fault, turn, kinds) {
  return fault.stores.length === 1 || faults.indexOf(fault) % kinds.length === turn;
}

/**
 * @param {readonly Fault[]} faults
 * @param {boolean} isFull whether each round has as many as it may
 * @param {import('../trials/chance.mjs').Chance} chance
 */
function intoRounds(faults, isFull, chance) {
  const drawRoom = () => (isFull ? maxFaultsARound : chance.between(1, maxFaultsARound));
  /** @type {Fault[][]} */
  const rounds = [];
  let room = 0;
  for (const fault of faults) {
    if (fault.isAlone || room <= 0) {
      rounds.push([fault]);
      room = fault.isAlone ? 0 : drawRoom() - 1;
    } else {
      rounds.at(-1)?.push(fault);
      room -= 1;
    }
  }
  return rounds;
}
