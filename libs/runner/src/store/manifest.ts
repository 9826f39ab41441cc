/** What the action cache keeps of a finished stage: its key, its outputs by digest, and what it said. */
/** Raise it when keys or manifests of older versions must not be used. */
export const HASH_FORMAT = 2;

/** Everything a result depends on; its canonical JSON is hashed into the key. */
export interface KeyParts {
  format: number;
  stage: string;
  /** Code fingerprint; the store's code lists tell what it is made of. */
  code: string;
  params: Readonly<Record<string, unknown>>;
  /** By input name: content digests; for inputs that take several, each with the instance it comes from. */
  inputs: Readonly<Record<string, readonly string[]>>;
  /** Only for stages that draw random numbers. */
  seed?: number;
  /** Only for stages whose numbers depend on it. */
  device?: string;
  /** Content digest of outside data, for stages that read any. */
  external?: string;
}

export interface StoredFile {
  /** Below the artifact's folder, with forward slashes. */
  path: string;
  bytes: number;
  digest: string;
}

export interface StoredOutput {
  kind: string;
  /** Digest of the whole folder: paths, sizes and digests of its files. */
  digest: string;
  bytes: number;
  files: StoredFile[];
}

export interface Manifest {
  key: string;
  parts: KeyParts;
  outputs: Record<string, StoredOutput>;
  /** What the stage reported. */
  notices: string[];
  metrics: Record<string, number>;
  summary: string[];
  /** How long it took and how much memory its process used, when it ran. */
  seconds: number;
  peak_memory_bytes: number;
}
