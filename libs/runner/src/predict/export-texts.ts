/** Files of an exported folder that people read: examples, how to start, and the model card. */
import type { TrainedOn } from './corpora.ts';
import type { Contract } from './exported.ts';

export const PREDICT_MJS = `// Predicts recordings, one JSON object a line: node predict.mjs speech.wav other.flac
import { openPredictor } from './lib/prosodia.js';

const files = process.argv.slice(2).map((path) => ({ name: path, source: { path } }));
const predictor = await openPredictor();
const { labels, predictions, refused, notices } = await predictor.predict(files);

for (const { file, start_s, end_s, probabilities } of predictions) {
  const probability = Math.max(...probabilities);
  const label = labels[probabilities.indexOf(probability)];
  const byLabel = Object.fromEntries(labels.map((name, i) => [name, probabilities[i]]));
  console.log(JSON.stringify({ file, start_s, end_s, label, probability, probabilities: byLabel }));
}
for (const notice of notices) console.error(\`note: \${notice}\`);
for (const { file, reason } of refused) console.error(\`refused: \${file}: \${reason}\`);
await predictor.close();
process.exitCode = refused.length > 0 ? 1 : 0;
`;

export const FEATURES_MJS = `// Writes what the models are fed with to features.json, for predict.py: node features.mjs speech.wav
import { writeFileSync } from 'node:fs';
import { openPredictor } from './lib/prosodia.js';

const predictor = await openPredictor();
const files = process.argv.slice(2).map((path) => ({ name: path, source: { path } }));
const { models, refused } = await predictor.features(files);
const plain = models.map(({ rows, ...model }) => ({
  ...model,
  rows: rows.map(({ values, ...row }) => ({ ...row, values: Array.from(values) })),
}));
writeFileSync('features.json', JSON.stringify(plain));
for (const { file, reason } of refused) console.error(\`refused: \${file}: \${reason}\`);
await predictor.close();
`;

export const PREDICT_PY = `"""Runs the ONNX models on features.json, which features.mjs writes. Needs numpy and onnxruntime."""
import json
import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime reports to its maker unless told not to before it is loaded

import numpy as np
import onnxruntime as ort

contract = json.load(open("prosodia.json"))
by_model = []
for model in json.load(open("features.json")):
    about = contract["models"][model["instance"]]
    session = ort.InferenceSession(about["file"])
    x = np.array([row["values"] for row in model["rows"]], dtype=np.float32).reshape(-1, *model["shape"])
    by_model.append(session.run([about["output"]["name"]], {about["input"]["name"]: x})[0])
    rows = model["rows"]

for row, probabilities in zip(rows, np.mean(by_model, axis=0)):
    best = contract["labels"][probabilities.argmax()]
    print(json.dumps({"file": row["file"], "start_s": row["start_s"], "label": best,
                      "probabilities": dict(zip(contract["labels"], map(float, probabilities)))}))
`;

export function readme(contract: Contract): string {
  const { title, pipeline, run, labels, members, models, calibrated, window_s, made_by } = contract;
  const count = Object.keys(models).length;
  return `# ${title}

Run ${run} of the pipeline \`${pipeline}\`, exported by ${made_by}. It assigns one of ${labels.length} classes to a recording of
speech: ${labels.join(', ')}. Read [model_card.md](model_card.md) before you trust it.

\`\`\`sh
npm install
node predict.mjs speech.wav
\`\`\`

WAV and FLAC of any sample rate, channel count and length; what is longer than ${window_s} seconds is cut into windows. The
probabilities are ${calibrated ? 'calibrated' : 'as the models give them, not calibrated'}${
    members.length > 1 ? `, the mean of ${members.length} predictors` : ''
  }. The code in \`lib\` is that of the training stages, the numbers in
\`saved\` are those that the run has learned: a recording gets the probabilities that it gets from \`prosodia predict\`.

| file | what |
| --- | --- |
| \`predict.mjs\` | the example above; \`lib/prosodia.js\` is what it uses |
| \`prosodia.json\` | the contract: labels, stages and their parameters, features, models |
| \`saved/\` | ${count === 1 ? 'the model' : `${count} models`} (ONNX) and fitted transforms |
| \`model_card.md\`, \`metrics.json\` | data, protocol, figures with intervals, limits |
| \`features.mjs\`, \`predict.py\` | the ONNX models by themselves, in Python |

In Python the models run on features that \`features.mjs\` has computed:

\`\`\`sh
node features.mjs speech.wav
python predict.py
\`\`\`

\`predict.py\` takes the plain mean over the models. ${inPython(contract)}
`;
}

/** Whether the plain mean over the models is the prediction. */
function inPython({ members, models, instances }: Contract): string {
  const direct = members.every((member) => Object.hasOwn(models, member.slice(0, member.lastIndexOf('.'))));
  if (direct) return 'So does this run.';
  const last = members.map((member) => instances[member.slice(0, member.lastIndexOf('.'))]!);
  const settings = [...new Set(last.map((own) => `\`${own.uses}\` with ${JSON.stringify(own.with)}`))].join('; ');
  return `What this run\ndoes with them last, a vote with weights or a calibration for example, is not in it: ${settings}.`;
}

/** What the card of the report does not know: where the folder comes from, and whose data it was. */
export interface Provenance {
  /** Card that the report of the run has; undefined if the run was not judged. */
  card: string | undefined;
  /** Checks against leaks that the report names. */
  checks: readonly { what: string; result: string; detail: string }[];
  facts: readonly string[];
  corpora: readonly TrainedOn[];
}

export function modelCard(title: string, { card, checks, facts, corpora }: Provenance): string {
  const list = (points: readonly string[]) => points.map((point) => `- ${point}`).join('\n');
  const sections = [
    card?.trimEnd() ??
      `# ${title}\n\nThe run has no report, so nothing is known of how well it predicts. Do not use it before it is judged.`,
  ];
  if (checks.length > 0 && !card?.includes('leak')) {
    sections.push(
      '## Checked for leaks',
      list(checks.map(({ what, result, detail }) => `${result}: ${what} (${detail})`)),
    );
  }
  if (corpora.length > 0) {
    const said = corpora.map(({ name, title: own, licence, citation }) =>
      [`${name}: ${own ?? 'no description'}`, `licence ${licence ?? 'not known'}`, citation].filter(Boolean).join('; '),
    );
    sections.push(
      '## Licence of the data',
      list(said),
      'Whether a model may be used for what its data may not be used for is for you to judge.',
    );
  }
  sections.push('## Where this folder comes from', list(facts));
  return `${sections.join('\n\n')}\n`;
}
