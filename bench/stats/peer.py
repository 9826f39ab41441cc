"""scikit-learn's side of bench.ts: python3 peer.py FOLDER ROWS COLS; reads names, answers each with a line of JSON."""

import json
import sys
import time

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, roc_auc_score
from sklearn.preprocessing import RobustScaler, StandardScaler

folder, rows, cols = sys.argv[1], *map(int, sys.argv[2:4])
x = np.fromfile(f"{folder}/x", dtype=np.float32).reshape(rows, cols)
# Its default for the size; double precision, as ours.
wide = x.astype(np.float64) if cols > 8 else None
fitted = None


def total(values):
    return float(np.abs(values).sum())


def metrics():
    truth = np.arange(rows) % cols
    chosen = x.argmax(axis=1)
    value = f1_score(truth, chosen, average="macro") + accuracy_score(truth, chosen) + log_loss(truth, x)
    return float(value + brier_score_loss(truth, x) + roc_auc_score(truth, x, multi_class="ovr"))


def pca():
    return PCA(0.98).fit(wide)


tasks = {
    "standard scaler": lambda: total(StandardScaler().fit_transform(x).ravel()[:100]),
    "robust scaler": lambda: total(RobustScaler().fit_transform(x).ravel()[:100]),
    "pca fit": lambda: total(pca().explained_variance_),
    "pca transform": lambda: total(fitted.transform(wide).ravel()[:100]),
    "metrics": metrics,
}
for line in sys.stdin:
    name = line.strip()
    if name == "pca transform" and fitted is None:
        fitted = pca()
    before = time.process_time()
    value = tasks[name]()
    print(json.dumps(dict(seconds=time.process_time() - before, value=value)), flush=True)
