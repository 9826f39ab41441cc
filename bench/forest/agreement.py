"""scikit-learn's side of agreement.mjs: python3 agreement.py FOLDER SIZES; writes answer.json there."""

import json
import sys

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.tree import DecisionTreeClassifier

folder, sizes = sys.argv[1], json.loads(sys.argv[2])
cols, weight = sizes["cols"], sizes["class_weight"]


def matrix(name):
    return np.fromfile(f"{folder}/{name}", dtype=np.float32).reshape(-1, cols)


def labels(name):
    return np.fromfile(f"{folder}/{name}", dtype=np.int32)


x, y, test_x, test_y = matrix("x"), labels("y"), matrix("testX"), labels("testY")
fits = []
for seed in range(sizes["seeds"]):
    forest = RandomForestClassifier(
        sizes["trees"], random_state=seed, n_jobs=2, oob_score=True, class_weight=weight
    ).fit(x, y)
    p = forest.predict_proba(test_x)
    fits.append(
        dict(
            accuracy=accuracy_score(test_y, p.argmax(axis=1)),
            log_loss=log_loss(test_y, p, labels=list(range(sizes["classes"]))),
            oob=forest.oob_score_,
            importances=forest.feature_importances_.tolist(),
        )
    )
# As many forests again: how well do scikit-learn's importances agree with themselves?
again = np.zeros(cols)
for seed in range(sizes["seeds"], 2 * sizes["seeds"]):
    forest = RandomForestClassifier(sizes["trees"], random_state=seed, n_jobs=2, class_weight=weight).fit(x, y)
    again += forest.feature_importances_ / sizes["seeds"]
single = DecisionTreeClassifier(random_state=0, class_weight=weight).fit(x, y)
tree = single.tree_
answer = dict(
    fits=fits,
    again=again.tolist(),
    tree=dict(
        feature=tree.feature.tolist(),
        threshold=tree.threshold.tolist(),
        left=tree.children_left.tolist(),
        right=tree.children_right.tolist(),
        predicted=single.predict(test_x).tolist(),
    ),
)
with open(f"{folder}/answer.json", "w") as file:
    json.dump(answer, file)
