import { clipsOf, describeStage } from '@prosodia/runner/conformance';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { clips: clipsOf(clips) } }),
  empty: 'works',
  one_row: 'refused',
});
