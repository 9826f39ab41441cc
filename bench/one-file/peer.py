"""The peer of check.mjs: lists of samples in on stdin, lists of probabilities out. Needs onnxruntime (1.31 was used)."""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
clips = [np.array([clip], dtype=np.float32) for clip in json.load(sys.stdin)]
print(json.dumps([session.run(None, {"waveform": clip})[0][0].tolist() for clip in clips]))
