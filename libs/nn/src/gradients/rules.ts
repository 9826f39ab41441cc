/** All gradient rules, by operator. */
import { basicRules } from './basic.ts';
import { convolutionRules } from './convolution.ts';
import { normalizationRules } from './normalization.ts';
import { poolingRules } from './pooling.ts';
import { recurrentRules } from './recurrent.ts';
import type { GradientRule } from './rule.ts';

export const gradientRules: Readonly<Record<string, GradientRule>> = {
  ...basicRules,
  ...convolutionRules,
  ...poolingRules,
  ...normalizationRules,
  ...recurrentRules,
};
