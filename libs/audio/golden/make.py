"""Writes decode.json, resample.json and effects.json beside this file.

Peers: soundfile 0.14.0 (libsndfile 1.2.2) for decoding, librosa 0.10.2.post1 (soxr_hq) for resampling,
scipy 1.17.1 for Butterworth filters.
Run with a Python that has all of them: python make.py
"""

import base64
import io
import json
import pathlib

import librosa
import numpy as np
import scipy.signal
import soundfile

HERE = pathlib.Path(__file__).parent


def text(data):
    return base64.b64encode(data).decode("ascii")


def recording(frames, channels):
    """A decaying sweep that touches both ends of full scale, another in each channel."""
    i = np.arange(frames)
    columns = [np.sin(0.003 * (c + 1) * i**1.5) * np.exp(-i / frames) for c in range(channels)]
    signal = np.stack(columns, axis=1)
    signal[0], signal[1] = 1, -1
    return signal


def decode_case(container, subtype, channels, frames=40, **options):
    file = io.BytesIO()
    soundfile.write(file, recording(frames, channels), 16000, format=container, subtype=subtype, **options)
    encoded = file.getvalue()
    decoded, rate = soundfile.read(io.BytesIO(encoded), dtype="float32", always_2d=True)
    return {
        "name": f"{container} {subtype} x{channels} {options.get('endian', '')}".strip(),
        "encoding": "PCM_8" if subtype == "PCM_S8" else subtype,
        "rate": rate,
        "channels": channels,
        "file": text(encoded),
        # float32, little-endian, channel after channel
        "samples": text(np.ascontiguousarray(decoded.T).astype("<f4").tobytes()),
    }


def chirp(frames):
    """Two tones and a sweep through the middle of the band, faded so that the ends ask nothing of the filter."""
    i = np.arange(frames)
    signal = 0.4 * np.sin(0.11 * i) + 0.3 * np.sin(0.5 * i + 1) + 0.2 * np.sin(0.0004 * i * i)
    return (signal * np.hanning(frames)).astype(np.float32)


def resample_case(orig_sr, target_sr):
    output = librosa.resample(chirp(900), orig_sr=orig_sr, target_sr=target_sr, res_type="soxr_hq")
    return {"orig_sr": orig_sr, "target_sr": target_sr, "samples": text(output.astype("<f4").tobytes())}


subtypes = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]
decode = [decode_case("WAV", subtype, 1) for subtype in subtypes]
decode += [decode_case("WAV", subtype, 2, endian="BIG") for subtype in ["PCM_16", "PCM_24", "FLOAT"]]
decode += [decode_case("WAVEX", "PCM_24", 3), decode_case("WAVEX", "FLOAT", 2), decode_case("RF64", "PCM_16", 2)]
decode += [decode_case("FLAC", "PCM_S8", 1), decode_case("FLAC", "PCM_16", 2), decode_case("FLAC", "PCM_24", 1)]
decode += [decode_case("FLAC", "PCM_16", 1, frames=9000), decode_case("FLAC", "PCM_24", 6)]
(HERE / "decode.json").write_text(json.dumps(decode, indent=1) + "\n")

rates = [(48000, 16000), (44100, 16000), (16000, 22050), (16000, 15013), (16000, 16000 / 1.122)]
(HERE / "resample.json").write_text(json.dumps([resample_case(*pair) for pair in rates], indent=1) + "\n")


def filtered(signal, corner, kind):
    sections = scipy.signal.butter(4, corner, kind, fs=16000, output="sos")
    return scipy.signal.sosfilt(sections, signal).tolist()


clicks = [1, 0.5, -0.25, 0, 0.125, 0, 0, 0, -1, 0.5]
effects = {
    "input": clicks,
    "low_pass": filtered(clicks, 3400, "lowpass"),
    "high_pass": filtered(clicks, 300, "highpass"),
}
(HERE / "effects.json").write_text(json.dumps(effects) + "\n")
