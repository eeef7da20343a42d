// One job of very many images on very many workers, as a simulation of discrete events: a dispatcher that
// fills a window, Redis that serves one command at a time, threads that take shards, merges that follow.
//
// What is left out: the network's own time, machines that differ or fail, a second job beside this one.

/**
 * @typedef {object} Plant what is simulated; times in seconds
 * @property {number} images
 * @property {number} workers each with one thread
 * @property {number} windowImages images in the queue at once
 * @property {number} threadSeconds an image keeps a thread busy for, merge included
 * @property {number} spread of it: standard deviation over mean
 * @property {number} mergeSeconds between the last row and the results in the store
 * @property {number} dispatchSeconds an image takes of the one dispatcher of its job
 * @property {number} tickSeconds between two looks of that dispatcher at its window
 * @property {number} redisSeconds an image takes of Redis's one thread
 * @property {number} idleRedisShare that a worker with nothing to do takes of that thread
 * @property {number} [seed]
 *
 * @typedef {object} Outcome
 * @property {number} seconds until the last merge
 * @property {number} imagesPerSecond
 * @property {number} threadUse share of the time that threads were busy
 * @property {number} redisUse share of the time that Redis was busy, idle workers' looks included
 * @property {number} dispatcherUse
 */

/** Shares of Redis's work on an image: put into the queue; taken; finished, and its merge run. */
const redisShares = { dispatch: 0.35, take: 0.15, finish: 0.5 };

const kinds = /** @type {const} */ ({ queued: 0, scored: 1, merged: 2, tick: 3 });

/**
 * @param {Plant} plant
 * @returns {Outcome}
 */
export function simulate(plant) {
  const { images, workers, windowImages, tickSeconds } = plant;
  const random = seededRandom(plant.seed ?? 1);
  const events = createHeap();
  // Looks for work take their part of the thread all the time: what is left is slower by so much.
  const idleShare = Math.min(0.95, plant.idleRedisShare * workers);
  const redisSeconds = plant.redisSeconds / (1 - idleShare);
  let redisFree = 0;
  let redisBusy = 0;
  /** @param {number} now @param {number} share */
  const askRedis = (now, share) => {
    redisFree = Math.max(redisFree, now) + share * redisSeconds;
    redisBusy += share * redisSeconds;
    return redisFree;
  };
  let [dispatched, merged, waiting, idle] = [0, 0, 0, workers];
  let [laneBusy, dispatcherBusy, now] = [0, 0, 0];
  const take = () => {
    while (waiting > 0 && idle > 0) {
      waiting -= 1;
      idle -= 1;
      const took = drawGamma(random, plant.threadSeconds, plant.spread);
      laneBusy += took;
      events.push(askRedis(now, redisShares.take) + took, kinds.scored);
    }
  };
  /** Images that the dispatcher still adds before it looks at its window again. */
  let room = 0;
  // One after another: it waits for Redis's answer before it adds the next.
  const dispatch = () => {
    if (dispatched === images) return;
    if (room <= 0) return events.push(now + tickSeconds, kinds.tick);
    room -= 1;
    dispatched += 1;
    const added = Math.max(now + plant.dispatchSeconds, askRedis(now, redisShares.dispatch));
    dispatcherBusy += added - now;
    events.push(added, kinds.queued);
  };
  const look = () => {
    room = windowImages - (dispatched - merged);
    dispatch();
  };
  look();
  while (merged < images) {
    const kind = events.pop();
    now = events.time();
    if (kind === kinds.tick) look();
    else if (kind === kinds.merged) merged += 1;
    else if (kind === kinds.queued) {
      waiting += 1;
      dispatch();
    } else {
      idle += 1;
      events.push(askRedis(now, redisShares.finish) + plant.mergeSeconds, kinds.merged);
    }
    take();
  }
  return {
    seconds: now,
    imagesPerSecond: images / now,
    threadUse: laneBusy / (now * workers),
    redisUse: Math.min(1, idleShare + (redisBusy / now) * (1 - idleShare)),
    dispatcherUse: Math.min(1, dispatcherBusy / now),
  };
}

/**
 * A gamma distribution of whole shape: the sum of exponential times, which is never negative and, other
 * than a normal one, has the long tail that shards have.
 *
 * @param {() => number} random
 * @param {number} mean
 * @param {number} spread
 */
function drawGamma(random, mean, spread) {
  if (spread <= 0) return mean;
  const shape = Math.max(1, Math.min(400, Math.round(1 / spread ** 2)));
  if (shape > 20) {
    // Near enough to a normal distribution by then, and much quicker.
    const normal =
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()) * spread;
    return mean * Math.max(0.05, 1 + normal);
  }
  let product = 1;
  for (let count = 0; count < shape; count++) product *= 1 - random();
  return (-Math.log(product) * mean) / shape;
}

/**
 * @param {number} seed
 * @returns {() => number} in [0, 1), the same for one seed everywhere
 * @see Marsaglia, Xorshift RNGs, 2003
 */
function seededRandom(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** Events by time, in two arrays: a million images would make as many objects. */
function createHeap() {
  /** @type {number[]} */
  const times = [];
  /** @type {number[]} */
  const kindsOf = [];
  let [poppedTime, last] = [0, 0];
  /** @param {number} a @param {number} b */
  const swap = (a, b) => {
    [times[a], times[b]] = [times[b] ?? 0, times[a] ?? 0];
    [kindsOf[a], kindsOf[b]] = [kindsOf[b] ?? 0, kindsOf[a] ?? 0];
  };
  /** @param {number} at */
  const timeAt = (at) => times[at] ?? Number.POSITIVE_INFINITY;
  return {
    time: () => poppedTime,
    /** @param {number} time @param {number} kind */
    push(time, kind) {
      let at = times.push(time) - 1;
      kindsOf.push(kind);
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (timeAt(above) <= time) break;
        swap(at, above);
        at = above;
      }
    },
    /** @returns {number} the kind of the first */
    pop() {
      if (times.length === 0) throw new Error('Expected another event: the simulation is stuck');
      poppedTime = timeAt(0);
      const kind = kindsOf[0] ?? 0;
      last = times.length - 1;
      swap(0, last);
      times.pop();
      kindsOf.pop();
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const least = timeAt(left + 1) < timeAt(left) ? left + 1 : left;
        if (timeAt(least) >= timeAt(at)) break;
        swap(at, least);
        at = least;
      }
      return kind;
    },
  };
}
