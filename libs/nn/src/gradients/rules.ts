/** All gradient rules, by operator. */
import { basicRules } from './basic.ts';
import { normalizationRules } from './normalization.ts';
import { recurrentRules } from './recurrent.ts';
import type { GradientRule } from './rule.ts';
import { spatialRules } from './spatial.ts';

export const gradientRules: Readonly<Record<string, GradientRule>> = {
  ...basicRules,
  ...spatialRules,
  ...normalizationRules,
  ...recurrentRules,
};
