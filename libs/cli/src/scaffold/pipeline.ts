/** A new pipeline: the shortest one that ends in a report, with the parts that most are changed first. */

export function pipelineFile(name: string): string {
  return `# yaml-language-server: $schema=../schemas/pipeline.schema.json
name: ${name}
title: MFCC and a random forest
description: >
  What this pipeline does and where it comes from.

vars: { corpus: demo, seed: 42, device: auto }

stages:
  clips: { uses: ingest, with: { corpus: '\${corpus}' } }
  # Five folds by speaker; the first is used here, so no voice of the test is heard in training.
  split: { uses: split, from: { clips }, with: { scheme: group-kfold, folds: 5 } }
  audio: { uses: resample, from: { clips }, with: { rate: 16000 } }
  features:
    uses: featurize
    from: { audio }
    with:
      features:
        - mfcc: { n_mfcc: 40, functionals: [mean, std] }
  forest: { uses: train-forest, from: { features, split, clips } }
  evaluate:
    uses: evaluate
    from: { predictions: forest.predictions, models: forest.model, clips, split }

publish:
  .: evaluate.report
`;
}
