import { clipsOf, describeStage, predictionsOf, splitOf } from '@prosodia/runner/conformance';
import stage from './stage.ts';

describeStage(stage, {
  toys: { clips: 24 },
  fixture: (clips) => ({
    params: { bootstrap: 20, permutations: 20 },
    inputs: {
      predictions: { vote: predictionsOf(clips, 'vote') },
      members: { a: predictionsOf(clips, 'a'), b: predictionsOf(clips, 'b') },
      models: {},
      clips: clipsOf(clips),
      split: splitOf(clips),
    },
  }),
  // Without test rows there is nothing to judge.
  empty: 'refused',
  one_row: 'refused',
});
