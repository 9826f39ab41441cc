"""The recipe cnn-lstm served by FastAPI, librosa and onnxruntime: python peer.py EXPORTED_FOLDER PORT WORKERS

Reads the model and the scaler of a folder that `prosodia export` made, so that both sides serve the same numbers.
"""
import io
import json
import os
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import librosa
import numpy as np
import onnxruntime as ort
import soundfile
import uvicorn
from fastapi import FastAPI, UploadFile

folder = Path(os.environ.get("MODEL_FOLDER") or sys.argv[1])
contract = json.loads((folder / "prosodia.json").read_text())
[model] = contract["models"].values()
[scaled] = [own for name, own in contract["saved"].items() if name.endswith(".scaler")]
scaler = json.loads((folder / scaled / "scaler.json").read_text())
center, scale = (np.array(scaler[name], dtype=np.float64) for name in ("center", "scale"))
frames, bands = model["input"]["features"]["layout"]["shape"]
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(str(folder / model["file"]), options)

app = FastAPI()


@app.post("/v1/predict")
def predict(file: UploadFile):
    samples, rate = soundfile.read(io.BytesIO(file.file.read()), dtype="float32", always_2d=True)
    y = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=22050, res_type="soxr_hq")
    mfcc = librosa.feature.mfcc(y=y, sr=22050, n_mfcc=bands, n_fft=2048, hop_length=512, n_mels=128).T
    matrix = np.zeros((frames, bands))
    matrix[: len(mfcc)] = mfcc[:frames]
    x = ((matrix.ravel() - center) / scale).astype(np.float32).reshape(1, frames, bands)
    [probabilities] = session.run([model["output"]["name"]], {model["input"]["name"]: x})
    return {"probabilities": dict(zip(contract["labels"], map(float, probabilities[0])))}


if __name__ == "__main__":
    os.environ["MODEL_FOLDER"] = str(folder)
    os.chdir(Path(__file__).parent)
    uvicorn.run("peer:app", port=int(sys.argv[2]), workers=int(sys.argv[3]), log_level="warning")
