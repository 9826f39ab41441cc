"""Praat's side of voice.mjs: reads clips from standard input, answers each with a line of JSON, measure by name.

A request is a line of JSON, {"samples": n, "sr": rate}, and n float32. Needs praat-parselmouth 0.4.7 (Praat 6.1.38).
"""

import json
import sys

import numpy as np
import parselmouth
from parselmouth.praat import call

pipe = sys.stdin.buffer
BOUNDS = (0, 0, 0.0001, 0.02, 1.3)


def measure(y, sr):
    sound = parselmouth.Sound(y.astype(np.float64), sr)
    pitch = sound.to_pitch_ac()
    pulses = call([sound, pitch], "To PointProcess (cc)")
    out = {f"jitter_{k}": call(pulses, f"Get jitter ({k})", *BOUNDS) for k in ("local", "rap", "ppq5")}
    for ours, theirs in (("local", "local"), ("local_db", "local_dB"), ("apq3", "apq3"), ("apq5", "apq5")):
        out[f"shimmer_{ours}"] = call([sound, pulses], f"Get shimmer ({theirs})", *BOUNDS, 1.6)
    hnr = sound.to_harmonicity_ac(0.01, 75, 0.1, 4.5).values[0]
    f0 = pitch.selected_array["frequency"]
    out["hnr"] = hnr[hnr > -199].mean()
    out["f0_mean"] = f0[f0 > 0].mean()
    out["f0_std"] = f0[f0 > 0].std()
    out["voiced_share"] = (f0 > 0).mean()
    return out


for line in pipe:
    request = json.loads(line)
    y = np.frombuffer(pipe.read(4 * request["samples"]), dtype=np.float32)
    print(json.dumps(measure(y, request["sr"])), flush=True)
