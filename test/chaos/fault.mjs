// What a fault is. Each is a row of the table that the trial prints, and runs alone with `--only`.

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {readonly import('../trials/fleet.mjs').StoreKind[]} stores where it can happen
 * @property {number} kills processes that it kills at once with SIGKILL
 * @property {boolean} [isAlone] whether no other fault may be in its round
 * @property {(scene: Scene) => Promise<FaultResult | undefined>} run returns at the fault's end; undefined if nothing is to be told
 */

/**
 * @typedef {object} FaultResult
 * @property {string} [skipped] why it cannot happen here
 * @property {string} [note] what was seen
 * @property {() => Promise<unknown>} [repair] runs while the recovery is measured: the start of what was killed
 * @property {string[]} [broken] promises that it broke at once
 * @property {string[]} [mayFail] images that may fail for it, each with a reason that fits `reason`
 * @property {RegExp} [reason]
 */

/**
 * @typedef {object} Scene
 * @property {import('../trials/fleet.mjs').Fleet} fleet
 * @property {import('./orders.mjs').Orders} orders
 * @property {import('../trials/chance.mjs').Chance} chance
 * @property {ReturnType<typeof import('../trials/client.mjs').createClient>} client
 * @property {string} dataset
 * @property {readonly import('../trials/photos.mjs').Photo[]} photos of the dataset, in the order of its images
 * @property {string} job that runs meanwhile
 * @property {unknown} request that the job was made with
 * @property {boolean} isShort
 * @property {(message: string) => void} report
 */

export const both = /** @type {const} */ (['fs', 's3']);

/**
 * Time that a fault of an outage lasts, ms.
 *
 * @param {Scene} scene
 * @param {{ min: number, max: number, short: number }} seconds
 */
export const lastsMs = ({ chance, isShort }, { min, max, short }) =>
  1_000 * (isShort ? short : chance.between(min, max));
