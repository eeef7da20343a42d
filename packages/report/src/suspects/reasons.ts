import type { UnusualZone } from './zones.js';

/** A difference of two shares that is worth a sentence. */
const minExcess = 0.2;
/** A drop of at most this part of the class's median takes nothing from the image. */
const indecisive = 0.1;
const maxReasons = 4;

/** Numbers of an image that its class has a median of; null where they are not known. */
export type ComparedNumbers = {
  readonly distance: number;
  readonly drop: number;
  /** Share of the positions at which the decision changes. */
  readonly flipped: number;
  /** Share of the positive evidence off the object, and in the outer tenth of the image. */
  readonly offObject: number | null;
  readonly border: number | null;
};

/** What is known of an image beside these. */
export type SuspectFacts = {
  readonly predicted: { readonly label: string };
  /** The class that its label names, where another one is predicted; else null. */
  readonly missed: string | null;
  /** The class that its decision turns to most often; null where it never does, or to none. */
  readonly turnsTo: string | null;
  readonly zone: UnusualZone | null;
};

type Reason = { readonly strength: number; readonly text: string };

/**
 * Why an image is unlike its class, in sentences with both numbers, the strongest first, at most four. Strength is
 * how far apart two shares are, in [0, 1]; that the map is unlike the class's is last, and always there.
 */
export function reasonsOf(
  image: ComparedNumbers & SuspectFacts,
  medians: ComparedNumbers,
): string[] {
  const reasons = [
    zoneReason(image.zone),
    shareReason(image.offObject, medians.offObject, 'lies off the object'),
    shareReason(image.border, medians.border, 'lies in the outer tenth of the image'),
    dropReason(image.drop, medians.drop),
    labelReason(image),
    flipReason(image, medians.flipped),
  ].filter((reason) => reason !== null);
  const texts = reasons.sort((a, b) => b.strength - a.strength).map(({ text }) => text);
  return [...texts.slice(0, maxReasons - 1), likenessReason(image.distance, medians.distance)];
}

function zoneReason(zone: UnusualZone | null): Reason | null {
  if (zone === null || zone.own - zone.usual < minExcess) return null;
  const [own, usual] = [percent(zone.own), percent(zone.usual)];
  return {
    strength: zone.own - zone.usual,
    text: `${own} of its evidence lies ${zone.name} of the image, where its class has ${usual}`,
  };
}

function shareReason(own: number | null, usual: number | null, where: string): Reason | null {
  if (own === null || usual === null || own - usual < minExcess) return null;
  const text = `${percent(own)} of its evidence ${where}; its class's median is ${percent(usual)}`;
  return { strength: own - usual, text };
}

function dropReason(own: number, usual: number): Reason | null {
  if (usual <= 0 || own > indecisive * usual) return null;
  const lowers = own > 0 ? `lowers its score by at most ${short(own)}` : 'does not lower its score';
  const text = `Covering any patch ${lowers}, where its class's median is ${short(usual)}: nothing in it is decisive`;
  return { strength: 1 - Math.max(0, own) / usual, text };
}

/** As strong as a share of a half: the label, or the model, is wrong. */
function labelReason({ missed, predicted, turnsTo }: SuspectFacts): Reason | null {
  if (missed === null) return null;
  const turns = turnsTo === missed ? `, and covering one patch turns it to ${missed}` : '';
  return {
    strength: 0.5,
    text: `Its label is ${missed}, and it is predicted ${predicted.label}${turns}`,
  };
}

function flipReason(
  { predicted, turnsTo, flipped }: SuspectFacts & ComparedNumbers,
  usual: number,
): Reason | null {
  if (turnsTo === null || flipped - usual < minExcess) return null;
  const text = `It is predicted ${predicted.label}, and covering one patch turns it to another class at ${percent(flipped)} of the positions, most often to ${turnsTo}; its class's median is ${percent(usual)}`;
  return { strength: flipped - usual, text };
}

const likenessReason = (own: number, usual: number): string =>
  `Its map has a cosine of ${cosine(own)} with the mean map of its class, whose median is ${cosine(usual)}`;

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const cosine = (distance: number): string => (1 - distance).toFixed(2);
/** Two digits that count; what is smaller than a thousandth is written so. */
const short = (value: number): string =>
  Math.abs(value) >= 0.001 ? `${Number(value.toPrecision(2))}` : value.toFixed(3);
