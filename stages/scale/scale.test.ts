import { describeStage, featuresOf, splitOf } from '@prosodia/runner/conformance';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { features: featuresOf(clips), split: splitOf(clips) } }),
  empty: 'refused',
  one_row: 'works',
});
