/** What `--help` shows of each command in use; every command has some, which a test sees to. */

/** Arguments after the name, and what they do. */
export type Example = readonly [rest: string, what: string];

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  run: [
    ['mfcc-forest', 'on the built-in demo corpus'],
    ['ensemble --corpus=ravdess-speech --data=../ravdess --seed=1', 'on recordings of yours'],
    ['architectures --epochs=5 --jobs 1', 'a variable of the pipeline, and one core only'],
    ['mine/experiment.yaml --json', 'a file anywhere; one event per line'],
  ],
  predict: [
    ['mfcc-forest hello.wav', 'one recording with the latest finished run'],
    ['ensemble/3 recordings/ --json', 'a folder with run 3'],
  ],
  serve: [
    ['ensemble', 'at http://127.0.0.1:7860'],
    ['ensemble mfcc-forest/3 --port 8000', 'two models side by side'],
    ['service --host 0.0.0.0', 'an exported folder for other machines; PROSODIA_TOKEN holds the token'],
  ],
  export: [['ensemble --to service', 'a folder that predicts by itself']],
  report: [
    ['', 'the latest run of each pipeline on one page'],
    ['ensemble/1 best --open', 'two runs, shown in the browser'],
  ],
  status: [
    ['ensemble', 'what would run'],
    ['ensemble --corpus=ravdess-speech', 'if a variable were so'],
  ],
  why: [
    ['ensemble forest', 'why it would run, or is in the store'],
    ['ensemble forest --seed=7', 'if the seed were so'],
    ['ensemble forest --run latest', 'why it ran last time'],
  ],
  runs: [
    ['', 'of all pipelines'],
    ['ensemble --limit 5', 'the last five of one'],
  ],
  diff: [
    ['ensemble/1 ensemble/2', 'two runs'],
    ['ensemble/latest~1 ensemble', 'the last two runs of a pipeline'],
    ['mfcc-forest ensemble --html diff.html', 'two pipelines, plots of both on one page'],
  ],
  graph: [
    ['ensemble', 'in the terminal'],
    ['architectures --svg graph.svg --expand', 'as a picture, with every instance'],
  ],
  inspect: [
    ['mfcc-forest', 'what the latest run made'],
    ['mfcc-forest features --rows 3', 'columns, units, statistics, first rows'],
    ['mfcc-forest clips --where "duration_s > 3"', 'only some rows'],
    ['mfcc-forest --sql "select emotion, count(*) from clips group by 1"', 'every table of the run'],
    ['mfcc-forest evaluate --lineage 0', 'where a row comes from'],
    ['mfcc-forest audio --clip demo/03-01-01-01-01-01-01 --open', 'a clip drawn, and as WAV'],
  ],
  stages: [
    ['', 'all of them'],
    ['train-forest', 'parameters, inputs and outputs of one'],
  ],
  gc: [
    ['--max-size 10GB --dry-run', 'what would go'],
    ['--older-than 30d --keep 3', 'keeping three runs of each pipeline'],
    ['--pin ensemble/3', 'a run that must stay'],
  ],
  new: [
    ['stage loudness', 'stages/loudness with its test'],
    ['pipeline my-experiment', 'pipelines/my-experiment.yaml'],
  ],
  generate: [
    ['', 'after a change of a stage definition'],
    ['--check', 'whether anything would change, as CI asks'],
  ],
  completion: [
    ['bash > ~/.local/share/bash-completion/completions/prosodia', 'for bash'],
    ['fish > ~/.config/fish/completions/prosodia.fish', 'for fish'],
  ],
};
