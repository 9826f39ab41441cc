"""Makes trim.json: what librosa.effects.trim 0.10.2.post1 keeps of tones between two parts of a faint hum.

    python libs/dsp/golden/make_trim.py
"""

import json
import pathlib

import librosa
import numpy as np

assert librosa.__version__ == "0.10.2.post1", librosa.__version__


def tone(lead, body, tail):
    i = np.arange(lead + body + tail)
    inside = (i >= lead) & (i < lead + body)
    return np.where(inside, 0.5 * np.sin(2 * np.pi * 220 * i / 16000), 1e-4 * np.sin(2 * np.pi * 50 * i / 16000)).astype(
        np.float32
    )


cases = []
for lead, body, tail in ((4000, 8000, 6000), (0, 5000, 3000), (3000, 5000, 0), (0, 3000, 0), (10, 40, 10)):
    for options in ({}, {"top_db": 30}, {"top_db": 30, "frame_length": 512, "hop_length": 160}, {"top_db": 80}):
        _, bounds = librosa.effects.trim(tone(lead, body, tail), **options)
        cases.append({"lead": lead, "body": body, "tail": tail, "options": options, "bounds": [int(b) for b in bounds]})
pathlib.Path(__file__).with_name("trim.json").write_text(json.dumps(cases) + "\n")
