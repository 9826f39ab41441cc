"""Makes praat.json and formants.json: what Praat 6.1.38 (praat-parselmouth 0.4.7) says about voices made by formula.

    python libs/dsp/golden/make_praat.py

The voices are made again, by the same formulas, in src/testing/voices.ts.
"""

import json
import pathlib
import sys

import numpy as np
import parselmouth
import scipy.signal
from parselmouth.praat import call

from make import SR, lcg, number

SHAPES = {
    "steady": {"f0": 120, "jitter": 0, "shimmer": 0, "noise": 0},
    "jittery": {"f0": 120, "jitter": 0.03, "shimmer": 0, "noise": 0},
    "shimmery": {"f0": 150, "jitter": 0, "shimmer": 0.15, "noise": 0},
    "rough": {"f0": 210, "jitter": 0.02, "shimmer": 0.1, "noise": 0.02},
    "breathy": {"f0": 180, "jitter": 0.005, "shimmer": 0.02, "noise": 0.05},
}


def voice(f0, jitter, shimmer, noise):
    """A second of damped oscillations, one per period; periods and amplitudes vary uniformly around their means."""
    n = SR
    y = noise * lcg(n, 11)
    periods, amplitudes = lcg(400, 12), lcg(400, 13)
    t, k = 0.02, 0
    while t < 0.98:
        first = int(np.ceil(t * SR))
        last = min(n, first + int(0.02 * SR))
        after = np.arange(first, last) / SR - t
        y[first:last] += 0.4 * (1 + shimmer * amplitudes[k]) * np.exp(-after / 0.0025) * np.sin(2 * np.pi * 700 * after)
        t += (1 + jitter * periods[k]) / f0
        k += 1
    return y.astype(np.float32)


def measure(y):
    sound = parselmouth.Sound(y.astype(float), SR)
    pitch = sound.to_pitch_ac()
    pulses = call([sound, pitch], "To PointProcess (cc)")
    bounds = (0, 0, 0.0001, 0.02, 1.3)
    out = {
        "jitter_local": call(pulses, "Get jitter (local)", *bounds),
        "jitter_rap": call(pulses, "Get jitter (rap)", *bounds),
        "jitter_ppq5": call(pulses, "Get jitter (ppq5)", *bounds),
    }
    for ours, theirs in [("local", "local"), ("local_db", "local_dB"), ("apq3", "apq3"), ("apq5", "apq5")]:
        out[f"shimmer_{ours}"] = call([sound, pulses], f"Get shimmer ({theirs})", *bounds, 1.6)
    hnr = sound.to_harmonicity_ac(0.01, 75, 0.1, 4.5).values[0]
    out["hnr"] = hnr[hnr > -199].mean()
    f0 = pitch.selected_array["frequency"]
    out["f0_mean"] = f0[f0 > 0].mean()
    out["f0_std"] = f0[f0 > 0].std()
    out["voiced_share"] = (f0 > 0).mean()
    return {k: number(v) for k, v in out.items()}


VOWELS = {
    "a": [[730, 60], [1090, 90], [2440, 120], [3500, 200], [4500, 250]],
    "i": [[300, 50], [2300, 90], [3000, 150], [3700, 200], [4600, 250]],
}


def whisper(resonances):
    """A second of noise through resonators, one after the other."""
    x = lcg(SR, 41)
    for frequency, bandwidth in resonances:
        radius = np.exp(-np.pi * bandwidth / SR)
        x = scipy.signal.lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * frequency / SR), radius**2], x)
    return (0.5 * x / np.abs(x).max()).astype(np.float32)


def medians(y):
    """Median frequency and bandwidth of the first three formants."""
    track = parselmouth.Sound(y.astype(float), SR).to_formant_burg()
    times = track.xs()
    return [
        [number(np.nanmedian([read(k + 1, t) for t in times])) for read in (track.get_value_at_time, track.get_bandwidth_at_time)]
        for k in range(3)
    ]


def write(name, golden):
    path = pathlib.Path(__file__).with_name(name)
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)


write("praat.json", {name: {"shape": shape, "measures": measure(voice(**shape))} for name, shape in SHAPES.items()})
write("formants.json", {name: {"resonances": r, "medians": medians(whisper(r))} for name, r in VOWELS.items()})
