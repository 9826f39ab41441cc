/** The folder of an up-to-date build of the sources below `root`, made first if need be. */
export function ensureBuild(root: string): Promise<string>;
