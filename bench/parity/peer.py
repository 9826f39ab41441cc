"""librosa's side of check.mjs: reads clips from standard input, answers with features on standard output.

A request is a line of JSON, {"samples": n, "sr": rate, "pitch": bool}, and n float32. An answer is a line of JSON,
[[name, frames, bands], ...], and the values of all features as float64, each frames x bands.
"""

import functools
import json
import sys
import warnings

import librosa
import numpy as np
import scipy.fft

assert librosa.__version__ == "0.10.2.post1", librosa.__version__
warnings.simplefilter("ignore")

f = librosa.feature
pipe = sys.stdin.buffer
PITCH = {"fmin": 65.4, "fmax": 600.0, "frame_length": 2048, "hop_length": 512}


def cepstra(energies):
    return scipy.fft.dct(librosa.power_to_db(energies), type=2, norm="ortho", axis=0)[:13]


@functools.cache
def gaussian(sr):
    """26 Gaussians on the mel scale: the deviation of a filter is half the way to the next centre."""
    centres = librosa.mel_frequencies(26 + 2, fmin=50.0, fmax=7000.0)
    sigma = (centres[2:] - centres[1:-1]) / 2
    return np.exp(-0.5 * ((bins(sr) - centres[1:-1, None]) / sigma[:, None]) ** 2)


@functools.cache
def gammatone(sr):
    """32 gammatone filters of order 4 (power response), centres evenly on the ERB-rate scale."""
    rate = lambda f: 21.4 * np.log10(1 + 0.00437 * f)
    centres = (10 ** (np.linspace(rate(80.0), rate(7000.0), 32) / 21.4) - 1) / 0.00437
    width = 1.019 * 24.7 * (4.37 * centres / 1000 + 1)
    return (1 + ((bins(sr) - centres[:, None]) / width[:, None]) ** 2) ** -4.0


def bins(sr):
    return np.arange(1025) * sr / 2048


def features(y, sr):
    D = librosa.stft(y, n_fft=2048, hop_length=512)
    mel = f.melspectrogram(y=y, sr=sr)
    db = librosa.power_to_db(mel)
    mfcc = f.mfcc(y=y, sr=sr, n_mfcc=40)
    out = {
        "stft, real": D.real,
        "stft, imaginary": D.imag,
        "melspectrogram": mel,
        "melspectrogram, htk, norm none": f.melspectrogram(y=y, sr=sr, n_mels=40, htk=True, norm=None),
        "power_to_db": db,
        "power_to_db, single precision": db,
        "power_to_db, ref max, no top_db": librosa.power_to_db(mel, ref=np.max, top_db=None),
        "amplitude_to_db": librosa.amplitude_to_db(np.abs(D)),
        "mfcc": mfcc,
        "mfcc, single precision": mfcc,
        "mfcc, 13, lifter 22": f.mfcc(y=y, sr=sr, n_mfcc=13, lifter=22),
        "mfcc, 13, dct 3": f.mfcc(y=y, sr=sr, n_mfcc=13, dct_type=3),
        "delta": f.delta(mfcc),
        "delta, order 2": f.delta(mfcc, order=2),
        "chroma_stft": f.chroma_stft(y=y, sr=sr),
        "chroma_stft, tuning 0": f.chroma_stft(y=y, sr=sr, tuning=0.0),
        "spectral_contrast": f.spectral_contrast(y=y, sr=sr),
        "spectral_centroid": f.spectral_centroid(y=y, sr=sr),
        "spectral_bandwidth": f.spectral_bandwidth(y=y, sr=sr),
        "spectral_rolloff": f.spectral_rolloff(y=y, sr=sr),
        "spectral_flatness": f.spectral_flatness(y=y),
        "zero_crossing_rate": f.zero_crossing_rate(y),
        "rms": f.rms(y=y),
        "tonnetz": f.tonnetz(chroma=f.chroma_stft(y=y, sr=sr, tuning=0.0)),
        "gaussian cepstra": cepstra(gaussian(sr) @ np.abs(D) ** 2),
        "gammatone cepstra": cepstra(gammatone(sr) @ np.abs(D) ** 2),
        "trim": np.array(librosa.effects.trim(y, top_db=30, frame_length=1024, hop_length=256)[1], dtype=float)[:, None],
        "yin": librosa.yin(y.astype(np.float64), sr=sr, **PITCH)[None],
    }
    return out


def pitch(y, sr):
    f0, flag, probs = librosa.pyin(y.astype(np.float64), sr=sr, **PITCH)
    return {"pyin, f0": np.nan_to_num(f0)[None], "pyin, voiced_flag": flag[None], "pyin, voiced_probs": probs[None]}


for line in pipe:
    request = json.loads(line)
    y = np.frombuffer(pipe.read(4 * request["samples"]), dtype=np.float32)
    found = features(y, request["sr"])
    if request["pitch"]:
        found.update(pitch(y, request["sr"]))
    values = [np.ascontiguousarray(v.T, dtype=np.float64) for v in found.values()]
    header = [[name, *v.shape] for name, v in zip(found, values)]
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + b"".join(v.tobytes() for v in values))
    sys.stdout.buffer.flush()
