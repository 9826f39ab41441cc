"""librosa's side of bench.ts: a benchmark's name and a number of clips per line in, one JSON object out.

For cores.ts the line adds a number of processes and gets wall time in that many.
"""

import json
import sys
import time
import warnings

import joblib
import librosa
import numpy as np
from scipy import stats

warnings.simplefilter("ignore")
path, length, sr = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
clips = np.fromfile(path, dtype=np.float32).reshape(-1, length)
f = librosa.feature


def summary(parts):
    return sum(float(np.sum(g(p, axis=1))) for p in parts for g in (np.mean, np.std, np.min, np.max))


def recipe(y):
    """As the scripts of the field call it: every feature from the samples."""
    mfcc = f.mfcc(y=y, sr=sr, n_mfcc=40)
    return summary([
        mfcc,
        f.delta(mfcc),
        f.delta(mfcc, order=2),
        librosa.power_to_db(f.melspectrogram(y=y, sr=sr)),
        f.chroma_stft(y=y, sr=sr),
        f.spectral_contrast(y=y, sr=sr),
        f.spectral_centroid(y=y, sr=sr),
        f.spectral_bandwidth(y=y, sr=sr),
        f.spectral_rolloff(y=y, sr=sr),
        f.spectral_flatness(y=y),
        f.zero_crossing_rate(y),
        f.rms(y=y),
    ])


def recipe_shared(y):
    """As well as librosa can: one transform, one mel spectrogram, one centroid."""
    S = np.abs(librosa.stft(y, n_fft=2048, hop_length=512))
    power = S**2
    db = librosa.power_to_db(f.melspectrogram(S=power, sr=sr))
    mfcc = f.mfcc(S=db, n_mfcc=40)
    centroid = f.spectral_centroid(S=S, sr=sr)
    return summary([
        mfcc,
        f.delta(mfcc),
        f.delta(mfcc, order=2),
        db,
        f.chroma_stft(S=power, sr=sr),
        f.spectral_contrast(S=S, sr=sr),
        centroid,
        f.spectral_bandwidth(S=S, sr=sr, centroid=centroid),
        f.spectral_rolloff(S=S, sr=sr),
        f.spectral_flatness(S=S),
        f.zero_crossing_rate(y),
        f.rms(y=y),
    ])


def channels(y):
    mel = librosa.power_to_db(f.melspectrogram(y=y, sr=sr, n_mels=32), ref=np.max)
    parts = [mel, f.mfcc(y=y, sr=sr, n_mfcc=13), f.chroma_stft(y=y, sr=sr), f.spectral_contrast(y=y, sr=sr)]
    return sum(total(p) for p in parts)


def channels_shared(y):
    S = np.abs(librosa.stft(y, n_fft=2048, hop_length=512))
    power = S**2
    db = librosa.power_to_db(f.melspectrogram(S=power, sr=sr))
    parts = [
        librosa.power_to_db(f.melspectrogram(S=power, sr=sr, n_mels=32), ref=np.max),
        f.mfcc(S=db, n_mfcc=13),
        f.chroma_stft(S=power, sr=sr),
        f.spectral_contrast(S=S, sr=sr),
    ]
    return sum(total(p) for p in parts)


def handcrafted(y):
    return total(f.zero_crossing_rate(y)) + total(f.rms(y=y)) + total(f.mfcc(y=y, sr=sr, n_mfcc=20))


def thirteen(y):
    db = librosa.power_to_db(f.melspectrogram(y=y, sr=sr))
    values = 0.0
    for p in (f.mfcc(y=y, sr=sr, n_mfcc=40), db):
        quartiles = np.percentile(p, [5, 25, 75, 95], axis=1)
        values += total(quartiles) + total(quartiles[2] - quartiles[1]) + total(np.ptp(p, axis=1))
        for g in (np.mean, np.std, np.min, np.max, np.median, stats.skew, stats.kurtosis):
            values += total(g(p, axis=1))
    return values


PITCH = {"sr": sr, "fmin": 65.4, "fmax": 600.0}


def total(a):
    return float(np.sum(a, dtype=np.float64))


benchmarks = {
    "recipe": recipe,
    "recipe_shared": recipe_shared,
    "channels": channels,
    "channels_shared": channels_shared,
    "handcrafted": handcrafted,
    "mel_db": lambda y: total(librosa.power_to_db(f.melspectrogram(y=y, sr=sr))),
    "thirteen": thirteen,
    "stft": lambda y: total(librosa.stft(y, hop_length=512).real),
    "melspectrogram": lambda y: total(f.melspectrogram(y=y, sr=sr)),
    "mfcc": lambda y: total(f.mfcc(y=y, sr=sr, n_mfcc=40)),
    "chroma_stft": lambda y: total(f.chroma_stft(y=y, sr=sr)),
    "spectral_contrast": lambda y: total(f.spectral_contrast(y=y, sr=sr)),
    "delta": lambda y: total(f.delta(f.mfcc(y=y, sr=sr))),
    "tonnetz": lambda y: total(f.tonnetz(chroma=f.chroma_stft(y=y, sr=sr, tuning=0.0))),
    "spectral_centroid": lambda y: total(f.spectral_centroid(y=y, sr=sr)),
    "spectral_bandwidth": lambda y: total(f.spectral_bandwidth(y=y, sr=sr)),
    "spectral_rolloff": lambda y: total(f.spectral_rolloff(y=y, sr=sr)),
    "spectral_flatness": lambda y: total(f.spectral_flatness(y=y)),
    "zero_crossing_rate": lambda y: total(f.zero_crossing_rate(y)),
    "rms": lambda y: total(f.rms(y=y)),
    "yin": lambda y: total(librosa.yin(y, **PITCH)),
    "pyin": lambda y: total(np.nan_to_num(librosa.pyin(y.astype(np.float64), **PITCH)[0])),
    "pitch_shift": lambda y: total(librosa.effects.pitch_shift(y, sr=sr, n_steps=2) ** 2),
    "time_stretch": lambda y: total(librosa.effects.time_stretch(y, rate=1.1) ** 2),
}



def on_one_core(run, some):
    """Processor time, which other work on the machine disturbs little."""
    start = time.process_time()
    result = sum(run(y) for y in some)
    return time.process_time() - start, result


def on_cores(run, some, processes):
    """Wall time, in processes that have started and loaded librosa."""
    pool = joblib.Parallel(n_jobs=processes)
    pool(joblib.delayed(run)(y) for y in some[:16])
    start = time.perf_counter()
    result = sum(pool(joblib.delayed(run)(y) for y in some))
    return time.perf_counter() - start, result


for line in sys.stdin:
    name, count, *processes = line.split()
    run, some = benchmarks[name], clips[: int(count)]
    taken, result = on_cores(run, some, int(processes[0])) if processes else on_one_core(run, some)
    answer = {"seconds": taken / len(some), "sum": result, "peer": f"librosa {librosa.__version__}"}
    print(json.dumps(answer), flush=True)
