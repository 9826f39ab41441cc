"""scikit-learn's side of bench.ts: python3 peer.py FOLDER ROWS COLS TREES

Reads lines "threads seed" and answers each with a line of JSON: processor and wall seconds of fitting and
predicting, the accuracy and log-loss on the rows predicted, and the most memory held so far.
"""

import json
import resource
import sys
import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss

folder, rows, cols, trees = sys.argv[1], *map(int, sys.argv[2:5])


def matrix(name):
    return np.fromfile(f"{folder}/{name}", dtype=np.float32).reshape(rows, cols)


def labels(name):
    return np.fromfile(f"{folder}/{name}", dtype=np.int32)


x, y, test_x, test_y = matrix("x"), labels("y"), matrix("testX"), labels("testY")
for line in sys.stdin:
    threads, seed = map(int, line.split())
    cpu, wall = time.process_time(), time.perf_counter()
    forest = RandomForestClassifier(trees, n_jobs=threads, random_state=seed).fit(x, y)
    p = forest.predict_proba(test_x)
    answer = dict(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)
    answer.update(accuracy=accuracy_score(test_y, p.argmax(axis=1)), log_loss=log_loss(test_y, p))
    answer.update(peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    print(json.dumps(answer), flush=True)
