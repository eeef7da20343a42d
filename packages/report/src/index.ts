export {
  type AgreementRanking,
  agreementThreshold,
  createAgreementRanking,
} from './agreement.js';
export { summariseArm, summariseEffect, type TrialPair } from './arms.js';
export {
  type BuilderOptions,
  openReportBuilder,
  type ReportBuilder,
  type ReportParts,
} from './builder.js';
export { decodeCells, encodeCells } from './cells.js';
export { describeImage, type ImageArguments } from './describe-image.js';
export { compareReports } from './difference.js';
export { type FlipEvidence, type ImageEvidence, latticeSide, type NamedClass } from './evidence.js';
export { decodeEvidence, encodeEvidence } from './evidence-codec.js';
export {
  checkGate,
  type Gate,
  type GateCondition,
  type GateFinding,
  parseGate,
} from './gate.js';
export { groupOf } from './grouping.js';
export { type CheckedOrder, summariseOrder } from './order.js';
export type { ClusteredPatches, PatchCandidate, SeenPatch } from './patches/candidate.js';
export { clusterPatches } from './patches/cluster-patches.js';
export { offObjectClusterShare } from './patches/rank-clusters.js';
export { signFlipP } from './permutation.js';
export type { ClassMaps } from './suspects/class-maps.js';
export { createSuspectRanking, type SuspectRanking } from './suspects/ranking.js';
