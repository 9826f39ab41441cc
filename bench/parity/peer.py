"""librosa's side of check.mjs: reads clips from standard input, answers with features on standard output.

A request is a line of JSON, {"samples": n, "sr": rate, "pitch": bool}, and n float32. An answer is a line of JSON,
[[name, frames, bands], ...], and the values of all features as float64, each frames x bands.
"""

import json
import sys
import warnings

import librosa
import numpy as np

assert librosa.__version__ == "0.10.2.post1", librosa.__version__
warnings.simplefilter("ignore")

f = librosa.feature
pipe = sys.stdin.buffer
PITCH = {"fmin": 65.4, "fmax": 600.0, "frame_length": 2048, "hop_length": 512}


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
        "power_to_db, ref max, no top_db": librosa.power_to_db(mel, ref=np.max, top_db=None),
        "amplitude_to_db": librosa.amplitude_to_db(np.abs(D)),
        "mfcc": mfcc,
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
