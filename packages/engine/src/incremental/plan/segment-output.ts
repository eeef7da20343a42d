/** Name of the output of a segment's model. Apart from the model's making, which threads do not load. */
export const segmentOutput = 'umbra:output';
