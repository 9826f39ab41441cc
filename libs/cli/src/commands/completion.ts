/**
 * `prosodia completion`: a script that completes commands, options, pipelines, stages and variables in a shell.
 *
 * The script asks the command itself (`completion words`), so it never goes out of date.
 */
import { RequestError } from '@prosodia/core';
import { EXIT } from '../exit.ts';
import type { Context } from '../context.ts';
import type { Command } from './command.ts';

const SHELLS: Record<string, string> = {
  bash: `_prosodia() {
  local IFS=$'\\n' line="\${COMP_LINE:0:COMP_POINT}" word
  local -a words
  IFS=' ' read -ra words <<< "$line"
  [[ "$line" == *' ' ]] && words+=('')
  word="\${words[-1]}"
  COMPREPLY=($(compgen -W "$("\${words[0]}" completion words -- "\${words[@]:1}" 2>/dev/null)" -- "$word"))
  # Bash takes = for the end of a word: what stands before it is there already.
  [[ "$word" == *=* ]] && COMPREPLY=("\${COMPREPLY[@]#"\${word%%=*}="}")
  [[ "\${COMPREPLY[0]}" == *= ]] && compopt -o nospace
}
complete -o default -F _prosodia prosodia
`,
  zsh: `#compdef prosodia
_prosodia() {
  local -a found
  found=(\${(f)"$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -S '' -- \${(M)found:#*=}
  compadd -- \${found:#*=}
}
compdef _prosodia prosodia
`,
  fish: `function __prosodia
  set -l tokens (commandline -opc) (commandline -ct)
  $tokens[1] completion words -- $tokens[2..-1] 2>/dev/null
end
complete -c prosodia -f -a '(__prosodia)'
`,
};

/** @param commands all that there are, this one too */
export function completionFor(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    usage: '<bash|zsh|fish>',
    summary: 'Prints a script that completes commands, pipelines, stages and variables in a shell.',
    positionals: Infinity,
    options: {},
    async run({ positionals: [shell, ...words] }, context) {
      if (shell === 'words') {
        context.out.write(`${(await candidates(commands(), words, context)).join('\n')}\n`);
        return EXIT.done;
      }
      const script = shell === undefined ? undefined : SHELLS[shell];
      if (script === undefined) {
        throw new RequestError({
          problem: 'for which shell?',
          expected: `one of: ${Object.keys(SHELLS).join(', ')}`,
          got: shell ?? 'nothing',
          fix: 'in bash: source <(prosodia completion bash)',
        });
      }
      context.out.write(script);
      return EXIT.done;
    },
  };
}

/** What may stand in the place of the last word. */
async function candidates(commands: readonly Command[], words: readonly string[], context: Context): Promise<string[]> {
  const [name, ...rest] = words;
  if (rest.length === 0) return commands.map((command) => command.name);
  const command = commands.find((known) => known.name === name);
  if (!command) return [];
  const last = rest.at(-1)!;
  const given = rest.slice(0, -1).filter((word) => !word.startsWith('-'));
  const project = context.project();
  const [first] = given;
  if (last.startsWith('-')) {
    const options = Object.entries(command.options).map(
      ([option, { type }]) => `--${option}${type === 'flag' ? '' : '='}`,
    );
    if (!command.openEnded || first === undefined) return options;
    const { vars } = await project.plan(first, {}, context.cwd);
    return [...options, ...Object.keys(vars).map((variable) => `--${variable}=`)];
  }
  if (command.name === 'stages') return [...project.catalogue.keys()];
  if (command.name === 'new') return given.length === 0 ? ['stage', 'pipeline'] : [];
  if (command.name === 'completion') return Object.keys(SHELLS);
  if (!command.usage.startsWith('<pipeline>')) return [];
  if (first === undefined) return project.pipelines();
  const { outline } = await project.plan(first, {}, context.cwd);
  return given.length === 1 && command.positionals > 1 ? outline.map((stage) => stage.name) : [];
}
