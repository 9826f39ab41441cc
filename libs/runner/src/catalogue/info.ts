/** What the runner knows of a stage without loading its code: plain JSON, made once per build. */
import type { ColumnDoc, StageResources, TObject } from '@prosodia/core';

export interface KindInfo {
  id: string;
  summary: string;
  columns: readonly ColumnDoc[];
}

export interface InputInfo {
  name: string;
  kind: KindInfo;
  arity: 'one' | 'optional' | 'many';
}

export interface OutputInfo {
  name: string;
  kind: KindInfo;
}

export interface StageInfo {
  name: string;
  summary: string;
  details: string;
  /** Source file below the root, with forward slashes. */
  source: string;
  /** JSON Schema of the parameters. */
  params: TObject;
  inputs: InputInfo[];
  outputs: OutputInfo[];
  seeded: boolean;
  device: boolean;
  fits: boolean;
  resources: StageResources;
  /** Source URL of the module that probes outside data. */
  external?: string;
}

export type Catalogue = ReadonlyMap<string, StageInfo>;
