"""openSMILE's side of egemaps.mjs: reads clips from standard input, answers each with a line of JSON, functional by name.

A request is a line of JSON, {"samples": n, "sr": rate}, and n float32. Needs opensmile 2.
"""

import json
import sys
import warnings

import numpy as np
import opensmile

warnings.simplefilter("ignore")
pipe = sys.stdin.buffer
smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet.eGeMAPSv02,
    feature_level=opensmile.FeatureLevel.Functionals,
)

for line in pipe:
    request = json.loads(line)
    y = np.frombuffer(pipe.read(4 * request["samples"]), dtype=np.float32)
    row = smile.process_signal(y, request["sr"]).iloc[0]
    print(json.dumps({name: float(value) for name, value in row.items()}), flush=True)
