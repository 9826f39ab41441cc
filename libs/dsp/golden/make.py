"""Makes golden.json: what librosa 0.10.2.post1 (numpy 2.4, scipy 1.17) says about signals made by formula.

    python libs/dsp/golden/make.py

The signals are made again, by the same formulas, in src/testing/signals.ts. Matrices are stored as librosa's
transposed, frames x bands, in the form {shape, mean_abs, values}: `values` are every step-th number of the
flattened matrix, where step is the largest odd number not above size / 16.
"""

import json
import pathlib
import sys
import warnings

import librosa
import numpy as np
import scipy.fftpack
import scipy.signal
import scipy.stats

assert librosa.__version__ == "0.10.2.post1", librosa.__version__
warnings.simplefilter("ignore")

SR = 16000
KEEP = 16


def lcg(n, seed):
    """Uniform noise in [-1, 1): a linear congruential generator modulo 2**32 (Numerical Recipes)."""
    out = np.empty(n)
    state = seed
    for i in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = state / 2**31 - 1
    return out


def signals():
    n = SR
    t = np.arange(n) / SR
    tau = 2 * np.pi
    chord = sum(np.sin(tau * f * t) * np.exp(-2 * t) for f in (223.0, 280.97, 334.12)) * 0.2
    sweep = 0.5 * np.sin(tau * (100 * t + 2950 * t * t))
    clicks = np.where(np.arange(n) % 1600 == 800, 0.9, 0.0)
    noise = lcg(n, 1) * np.exp(-3 * t) * 0.5
    voice = sum(np.sin(tau * k * 140 * t + k * 0.8 * np.sin(tau * 5 * t)) / k for k in range(1, 21)) * 0.1 + 1e-3 * lcg(n, 2)
    return {
        "chord": chord,
        "sweep": sweep,
        "clicks": clicks,
        "noise": noise,
        "voice": voice,
        "silence": np.zeros(4000),
        "dc": 0.25 + 0.1 * np.sin(tau * 50 * t[:6000]),
        "single": np.array([0.5]),
        "short": lcg(300, 3) * 0.3,
    }


def number(x):
    return float(f"{float(x):.7g}")


def pack(a):
    """A matrix, already frames x bands, or a vector, in the stored form."""
    a = np.asarray(a, dtype=np.float64)
    a = a.reshape(a.shape[0], -1)
    flat = a.ravel()
    assert np.isfinite(flat).all()
    step = max(1, flat.size // KEEP)
    step -= 1 - step % 2
    return {"shape": list(a.shape), "mean_abs": number(np.mean(np.abs(flat))), "values": [number(v) for v in flat[::step]]}


SETS = {
    "default": {"stft": {"n_fft": 2048, "hop_length": 512}, "mel": {}, "mfcc": {"n_mfcc": 40}, "frame": {"frame_length": 2048, "hop_length": 512}, "contrast": {}},
    "speech": {
        "stft": {"n_fft": 400, "hop_length": 160, "window": "hamming", "pad_mode": "reflect"},
        "mel": {"n_mels": 40, "htk": True, "norm": None, "fmin": 50, "fmax": 7600},
        "mfcc": {"n_mfcc": 13, "lifter": 22},
        "frame": {"frame_length": 400, "hop_length": 160},
        "contrast": {"n_bands": 5, "quantile": 0.1},
    },
}


def features(y, s):
    st = s["stft"]
    f = librosa.feature
    D = librosa.stft(y, **st)
    mel = f.melspectrogram(y=y, sr=SR, **st, **s["mel"])
    db = librosa.power_to_db(mel)
    out = {
        "stft_re": D.real,
        "stft_im": D.imag,
        "mel": mel,
        "mel_db": db,
        "mel_db_max": librosa.power_to_db(mel, ref=np.max, top_db=None),
        "amplitude_db": librosa.amplitude_to_db(np.abs(D), ref=0.5),
        "mfcc": f.mfcc(S=db, **s["mfcc"]),
        "chroma": f.chroma_stft(y=y, sr=SR, **st),
        "chroma_in_tune": f.chroma_stft(y=y, sr=SR, tuning=0.0, norm=2, **st),
        "contrast": f.spectral_contrast(y=y, sr=SR, **st, **s["contrast"]),
        "centroid": f.spectral_centroid(y=y, sr=SR, **st),
        "bandwidth": f.spectral_bandwidth(y=y, sr=SR, **st),
        "bandwidth3": f.spectral_bandwidth(y=y, sr=SR, p=3, norm=False, **st),
        "rolloff": f.spectral_rolloff(y=y, sr=SR, **st),
        "flatness": f.spectral_flatness(y=y, **st),
        "zcr": f.zero_crossing_rate(y, **s["frame"]),
        "rms": f.rms(y=y, **s["frame"]),
        "rms_of_S": f.rms(S=np.abs(D), frame_length=st["n_fft"]),
        "tonnetz": f.tonnetz(chroma=f.chroma_stft(y=y, sr=SR, tuning=0.0, **st)),
    }
    out = {k: pack(v.T) for k, v in out.items()}
    out["tuning"] = number(librosa.estimate_tuning(S=np.abs(D) ** 2, sr=SR, n_fft=st["n_fft"]))
    return out


def deltas(y):
    m = librosa.feature.mfcc(y=y, sr=SR, n_mfcc=13)
    cases = [(9, 1, "interp"), (9, 2, "interp"), (5, 1, "interp"), (11, 3, "interp"), (9, 1, "nearest"), (9, 2, "mirror"), (7, 1, "constant"), (9, 1, "wrap")]
    return [{"width": w, "order": o, "mode": mode, "result": pack(librosa.feature.delta(m, width=w, order=o, mode=mode).T)} for w, o, mode in cases]


def banks():
    mel = [{}, {"n_mels": 40}, {"n_mels": 26, "htk": True, "fmin": 20, "fmax": 4000}, {"n_mels": 64, "norm": None}]
    chroma = [{}, {"tuning": 0.25}, {"n_chroma": 24, "octwidth": None}, {"base_c": False, "ctroct": 4.0}, {"n_chroma": 5}]
    return {
        "mel": [{"options": o, "result": pack(librosa.filters.mel(sr=SR, n_fft=1024, **o))} for o in mel],
        "chroma": [{"options": o, "result": pack(librosa.filters.chroma(sr=SR, n_fft=1024, **o))} for o in chroma],
    }


def dcts():
    x = lcg(16, 5)
    return [
        {"type": t, "norm": norm, "result": pack(scipy.fftpack.dct(x, type=t, norm=norm)[None])}
        for t in (1, 2, 3)
        for norm in ("ortho", None)
    ]


def windows():
    names = ["hann", "hamming", "blackman", "blackmanharris", "bartlett", "boxcar"]
    return [
        {"name": w, "length": n, "fftbins": p, "values": [number(v) for v in scipy.signal.get_window(w, n, fftbins=p)]}
        for w in names
        for n in (1, 7, 8)
        for p in (True, False)
    ]


def functionals():
    x = np.stack([lcg(31, 7), lcg(31, 8) ** 3 + 4, np.arange(31) ** 1.5, np.full(31, 2.5)], axis=1).astype(np.float32)
    x64 = x.astype(np.float64)
    q = lambda p: np.percentile(x64, p, axis=0)
    moment = lambda f: np.nan_to_num(f(x64, axis=0))
    out = {
        "mean": x64.mean(0),
        "std": x64.std(0),
        "skewness": moment(scipy.stats.skew),
        "kurtosis": moment(scipy.stats.kurtosis),
        "slope": np.polyfit(np.arange(31), x64, 1)[0],
        "min": x64.min(0),
        "max": x64.max(0),
        "range": np.ptp(x64, axis=0),
        "median": np.median(x64, axis=0),
        "iqr": q(75) - q(25),
        "p10": q(10),
        "p2.5": q(2.5),
        "p90": q(90),
    }
    return {k: [number(v) for v in values] for k, values in out.items()}


def inverses(y):
    """A transform that no signal has: every third frame silent, and only the low half of the bins."""
    out = []
    for options in ({"n_fft": 512, "hop_length": 128}, {"n_fft": 400, "hop_length": 150, "win_length": 320}, {"n_fft": 512, "hop_length": 256, "center": False}):
        D = librosa.stft(y, **options)
        D[:, ::3] = 0
        D[D.shape[0] // 2 :] = 0
        out.append({"options": options, "result": pack(librosa.istft(D, **options)[:, None])})
        out.append({"options": options, "length": 9000, "result": pack(librosa.istft(D, length=9000, **options)[:, None])})
    return out


def stretches(y):
    """In double precision: librosa's float32 phase accumulator is off by about 1e-2 rad after a second."""
    cases = [{"rate": 0.8}, {"rate": 1.25}, {"rate": 1.1, "n_fft": 512, "hop_length": 128}, {"rate": 2 ** (-2 / 12)}]
    return [{"options": o, "result": pack(librosa.effects.time_stretch(y.astype(np.float64), **o)[:, None])} for o in cases]


def pitches(y):
    """Linear interpolation stands in for the resampler, which is not this package's business."""
    out = []
    for n_steps, bpo in ((2, 12), (-3.5, 12), (1, 24)):
        rate = 2.0 ** (-n_steps / bpo)
        z = librosa.effects.time_stretch(y.astype(np.float64), rate=rate)
        n = int(np.ceil(len(z) * rate))
        shifted = np.interp(np.arange(n) / rate, np.arange(len(z)), z)
        out.append({"n_steps": n_steps, "bins_per_octave": bpo, "result": pack(librosa.util.fix_length(shifted, size=len(y))[:, None])})
    return out


def main():
    made = {k: v.astype(np.float32) for k, v in signals().items()}
    voice = made["voice"]
    golden = {
        "librosa": librosa.__version__,
        "features": {s: {name: features(y, p) for name, y in made.items()} for s, p in SETS.items()},
        "delta": deltas(voice),
        "banks": banks(),
        "dct": dcts(),
        "windows": windows(),
        "functionals": functionals(),
        "istft": inverses(voice),
        "time_stretch": stretches(voice),
        "pitch_shift": pitches(voice),
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
