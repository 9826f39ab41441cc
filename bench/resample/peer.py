"""librosa's side of bench.ts: reads "orig_sr target_sr" per line, answers one JSON object per line."""

import json
import sys
import time

import librosa
import numpy as np
import soxr

noise = np.fromfile(sys.argv[1], dtype=np.float32)
seconds, calls = int(sys.argv[2]), int(sys.argv[3])

for line in sys.stdin:
    orig_sr, target_sr = (float(text) for text in line.split())
    y = noise[: int(orig_sr * seconds)]
    start = time.process_time()
    for _ in range(calls):
        output = librosa.resample(y, orig_sr=orig_sr, target_sr=target_sr, res_type="soxr_hq")
    spent = (time.process_time() - start) / calls / seconds
    power = float(np.sum(output.astype(np.float64) ** 2))
    peer = f"librosa {librosa.__version__} with soxr {soxr.__version__}"
    print(json.dumps({"seconds": spent, "sum": power, "peer": peer}), flush=True)
