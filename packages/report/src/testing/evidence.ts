import type { ImageEvidence } from '../evidence.js';

/** The nth image of a test's dataset: class 0, right, without a box, with an even map. */
export function evidenceOf(nth: number, given: Partial<ImageEvidence> = {}): ImageEvidence {
  const named = { index: 0, label: 'heron' };
  const box = { top: 0, left: 0, bottom: 32, right: 32 };
  return {
    id: `img_${String(nth).padStart(8, '0')}`,
    name: `photos/${nth}.jpg`,
    label: 'heron',
    labelClass: named,
    predicted: named,
    isRight: true,
    target: named,
    score: 0.9,
    drop: 0.5,
    lowest: { grid: 0, box, photoBox: box, isOffObject: null },
    input: { height: 224, width: 224 },
    map: new Float32Array(256).fill(0.1),
    objectMap: null,
    sizeMaps: [],
    box: null,
    offObjectShare: null,
    borderShare: null,
    noise: { border: 0, offObject: null },
    computed: 169,
    flips: [],
    faithfulness: null,
    ...given,
  };
}
