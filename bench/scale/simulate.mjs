// A discrete-event simulation of one large job on many workers: a dispatcher that fills a window, Redis that serves one
// command at a time, threads that take shards, merges that follow.
//
// It leaves out network latency, machines that differ or fail, and a second job.

/**
 * @typedef {object} Plant the simulated system; times in seconds
 * @property {number} images
 * @property {number} workers each with one thread
 * @property {number} windowImages images in the queue at once
 * @property {number} threadSeconds time of a thread for an image, merge included
 * @property {number} spread of threadSeconds: standard deviation divided by mean
 * @property {number} mergeSeconds from the last row to the results in the store
 * @property {number} dispatchSeconds time of the one dispatcher for an image
 * @property {number} tickSeconds between two ticks of that dispatcher
 * @property {number} redisSeconds time of Redis's one thread for an image
 * @property {number} idleRedisShare share of that thread for an idle worker
 * @property {number} [seed]
 *
 * @typedef {object} Outcome
 * @property {number} seconds to the end of the last merge
 * @property {number} imagesPerSecond
 * @property {number} threadUse share of the time that threads were busy
 * @property {number} redisUse share of the time that Redis was busy, polling of idle workers included
 * @property {number} dispatcherUse
 */

/** Shares of Redis's work on an image: adding it to the queue; taking it; finishing it, with its merge. */
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
  // Polling takes its share of the thread all the time: other commands are slower by that share.
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
  let [threadBusy, dispatcherBusy, now] = [0, 0, 0];
  const take = () => {
    while (waiting > 0 && idle > 0) {
      waiting -= 1;
      idle -= 1;
      const took = drawGamma(random, plant.threadSeconds, plant.spread);
      threadBusy += took;
      events.push(askRedis(now, redisShares.take) + took, kinds.scored);
    }
  };
  /** Images that the dispatcher still adds before its next tick. */
  let room = 0;
  // One after another: it waits for Redis's reply before it adds the next.
  const dispatch = () => {
    if (dispatched === images) return;
    if (room <= 0) return events.push(now + tickSeconds, kinds.tick);
    room -= 1;
    dispatched += 1;
    const added = Math.max(now + plant.dispatchSeconds, askRedis(now, redisShares.dispatch));
    dispatcherBusy += added - now;
    events.push(added, kinds.queued);
  };
  const tick = () => {
    room = windowImages - (dispatched - merged);
    dispatch();
  };
  tick();
  while (merged < images) {
    const kind = events.pop();
    now = events.time();
    if (kind === kinds.tick) tick();
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
    threadUse: threadBusy / (now * workers),
    redisUse: Math.min(1, idleShare + (redisBusy / now) * (1 - idleShare)),
    dispatcherUse: Math.min(1, dispatcherBusy / now),
  };
}

/**
 * Draws from a gamma distribution with an integer shape: a sum of exponential times, which is never negative and, unlike a
 * normal distribution, has the long tail of shard times.
 *
 * @param {() => number} random
 * @param {number} mean
 * @param {number} spread
 */
function drawGamma(random, mean, spread) {
  if (spread <= 0) return mean;
  const shape = Math.max(1, Math.min(400, Math.round(1 / spread ** 2)));
  if (shape > 20) {
    // Close enough to a normal distribution, which is much faster to draw.
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
 * @returns {() => number} values in [0, 1), the same sequence for the same seed on every machine
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

/** A heap of events by time, in two arrays: objects for a million images would be slow. */
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
    /** @returns {number} the kind of the earliest event */
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
        const earlier = timeAt(left + 1) < timeAt(left) ? left + 1 : left;
        if (timeAt(earlier) >= timeAt(at)) break;
        swap(at, earlier);
        at = earlier;
      }
      return kind;
    },
  };
}
