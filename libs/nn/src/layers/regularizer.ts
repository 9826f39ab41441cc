/** The penalty on large weights that layers with a kernel offer. */
import { Type } from '@prosodia/core';

export function regularizerOption() {
  return Type.Optional(
    Type.Object(
      { l2: Type.Number({ minimum: 0, description: 'The loss grows by this times the sum of squared weights.' }) },
      { additionalProperties: false, description: 'Penalty on the kernel, added to the loss.' },
    ),
  );
}
