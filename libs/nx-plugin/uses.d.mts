/** Stages that a pipeline file may use; `all` where the file does not tell which. */
export function usedStages(text: string, all: readonly string[]): string[];
