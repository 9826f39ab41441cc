/** The run that a user means who wants its models. */
import { type KeptRun, type Project, findRun, runsOf } from '@prosodia/runner';

/**
 * @param name a pipeline, for its latest run that finished, or a run as {@link findRun} takes it
 * @param number of the run, if it is given apart
 * @throws RequestError if there is no such run
 */
export async function finishedRun(project: Project, name: string, number?: string): Promise<KeptRun> {
  if (number !== undefined) return findRun(project, `${name}/${number}`);
  const finished = (await runsOf(project, name)).find(({ record }) => record.ok);
  return finished ?? findRun(project, name);
}
