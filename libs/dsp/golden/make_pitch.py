"""Makes pitch.json: yin and pyin of librosa 0.10.2.post1, and cepstra of filters librosa does not have, from formulas.

    python libs/dsp/golden/make_pitch.py

Signals and form of storage are those of make.py. librosa gets float64 samples: with float32 and numpy 2 it transforms
in single precision, whose rounding decides between candidates in quiet frames. f0 is stored with 0 for unvoiced.
"""

import json
import pathlib
import sys

import librosa
import numpy as np
import scipy.fftpack

from make import SR, pack, signals

SETS = {
    "music": {"fmin": 65.4, "fmax": 2093.0},
    "speech": {"fmin": 75.0, "fmax": 500.0, "frame_length": 1024, "hop_length": 256, "pad_mode": "reflect"},
    "window": {"fmin": 100.0, "fmax": 1000.0, "frame_length": 1000, "win_length": 700, "hop_length": 333},
}
PYIN = {
    "music": {},
    "speech": {"resolution": 0.2, "beta_parameters": [1.5, 12.5], "boltzmann_parameter": 1.0, "n_thresholds": 60},
    "window": {"switch_prob": 0.1, "max_transition_rate": 5.0, "no_trough_prob": 0.2},
}


def pitch(y, name):
    out = {"yin": pack(librosa.yin(y, sr=SR, **SETS[name])[:, None])}
    f0, flag, probs = librosa.pyin(y, sr=SR, **SETS[name], **{k: tuple(v) if isinstance(v, list) else v for k, v in PYIN[name].items()})
    out["f0"] = pack(np.nan_to_num(f0)[:, None])
    out["voiced_flag"] = pack(flag[:, None].astype(float))
    out["voiced_probs"] = pack(probs[:, None])
    return out


def power(y):
    return np.abs(librosa.stft(y, n_fft=2048, hop_length=512)) ** 2


def cepstra(energies):
    return pack(scipy.fftpack.dct(librosa.power_to_db(energies), type=2, norm="ortho", axis=0)[:13].T)


FREQ = np.arange(1025) * SR / 2048


def gaussian(y):
    centres = librosa.mel_frequencies(26 + 2, fmin=50.0, fmax=7000.0)
    sigma = (centres[2:] - centres[1:-1]) / 2
    bank = np.exp(-0.5 * ((FREQ - centres[1:-1, None]) / sigma[:, None]) ** 2)
    return cepstra(bank @ power(y))


def gammatone(y):
    rate = lambda f: 21.4 * np.log10(1 + 0.00437 * f)
    centres = (10 ** (np.linspace(rate(80.0), rate(7000.0), 32) / 21.4) - 1) / 0.00437
    width = 1.019 * 24.7 * (4.37 * centres / 1000 + 1)
    bank = (1 + ((FREQ - centres[:, None]) / width[:, None]) ** 2) ** -4.0
    return cepstra(bank @ power(y))


def main():
    made = {k: v.astype(np.float32) for k, v in signals().items()}
    golden = {
        "pitch": {s: {"yin": SETS[s], "pyin": PYIN[s], "signals": {k: pitch(y.astype(float), s) for k, y in made.items()}} for s in SETS},
        "gaussian": {k: gaussian(y) for k, y in made.items()},
        "gammatone": {k: gammatone(y) for k, y in made.items()},
    }
    path = pathlib.Path(__file__).with_name("pitch.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)


main()
