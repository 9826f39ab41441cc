"""Golden values of scikit-learn 1.9.1 for the forest's tests: python3 make.py > sklearn.json

The data come from the formulas of ../src/testing.ts, so only results are stored.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss

assert sklearn.__version__ == "1.9.1", sklearn.__version__

MASK = 0xFFFFFFFF


def scramble(i):
    h = ((np.asarray(i, dtype=np.uint64) + 1) * 0x9E3779B1) & MASK
    h = ((h ^ (h >> 15)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return (h ^ (h >> 16)).astype(np.float64) / 2.0**32


def sample(rows, cols, classes, salt=0, imbalance=0):
    shares = [1 / (1 + imbalance * k) for k in range(classes)]
    total = sum(shares)
    y = np.zeros(rows, dtype=int)
    for row, u in enumerate(scramble(7_000_003 * salt + np.arange(rows))):
        rest, k = u * total, 0
        while k < classes - 1 and rest >= shares[k]:
            rest -= shares[k]
            k += 1
        y[row] = k
    at = 3 * np.arange(rows * cols).reshape(rows, cols) + 1_000_003 * (salt + 1)
    noise = scramble(at) + scramble(at + 1) + scramble(at + 2) - 1.5
    col = np.arange(cols)
    centre = (1.2 * (scramble(31 * y[:, None] + col[None, :] + 500) - 0.5)) / (1 + col / 4)
    return (np.where(col < cols / 2, centre, 0) + noise).astype(np.float32), y


def weights_of(rows):
    """Uneven whole and fractional sample weights, some of them 0."""
    return np.floor(5 * scramble(np.arange(rows) + 90_000)) / 2


def rounded(values, digits):
    return np.round(np.asarray(values, dtype=np.float64), digits).tolist()


def single_trees():
    """Trees on all columns without bootstrap. Columns are tried in random order, so where two splits tie
    trees differ by seed: a tree is stored whole if eight seeds agree on it, else by the test rows that
    all eight predict alike."""
    cases = []
    configurations = [
        dict(min_samples_leaf=12),
        dict(criterion="entropy", min_samples_leaf=12),
        dict(min_samples_leaf=0.05, class_weight="balanced"),
        dict(criterion="entropy", max_depth=4, min_samples_split=40, class_weight=[1.0, 2.5, 0.5, 4.0]),
        dict(min_samples_leaf=12, sample_weight=True, class_weight="balanced"),
        dict(max_depth=4, min_impurity_decrease=0.008),
        dict(),
        dict(criterion="entropy"),
    ]
    for configuration in configurations:
        params = dict(configuration)
        x, y = sample(400, 6, 4, salt=2, imbalance=0.5)
        weighted = params.pop("sample_weight", False)
        if isinstance(params.get("class_weight"), list):
            params["class_weight"] = dict(enumerate(params["class_weight"]))
        trees = [
            RandomForestClassifier(1, bootstrap=False, max_features=None, random_state=seed, **params)
            .fit(x, y, weights_of(400) if weighted else None)
            .estimators_[0]
            for seed in range(8)
        ]
        test, _ = sample(200, 6, 4, salt=3)
        predictions = np.array([tree.predict(test).astype(int) for tree in trees])
        case = dict(params=configuration, nodes=int(trees[0].tree_.node_count))
        if all(np.array_equal(tree.tree_.threshold, trees[0].tree_.threshold) for tree in trees):
            tree = trees[0].tree_
            case["feature"] = tree.feature.tolist()
            case["threshold"] = tree.threshold.tolist()
            case["leaves"] = rounded(tree.value[tree.feature < 0, 0, :], 7)
            case["importances"] = rounded(trees[0].feature_importances_, 9)
        else:
            agreed = np.all(predictions == predictions[0], axis=0)
            case["predictions"] = np.where(agreed, predictions[0], -1).tolist()
        cases.append(case)
    return cases


def forests():
    """Statistics of ten forests each: the mean probabilities of 1,000 trees, and scores by seed."""
    cases = []
    configurations = [
        dict(),
        dict(criterion="entropy", max_features=0.5),
        dict(max_features="log2", min_samples_leaf=4, max_samples=0.6),
        dict(class_weight="balanced"),
        dict(class_weight="balanced_subsample", max_depth=6),
        dict(bootstrap=False, class_weight=[1.0, 3.0, 0.5], max_features=3),
        dict(sample_weight=True),
        dict(extra_trees=True),
        dict(extra_trees=True, bootstrap=True, criterion="entropy", min_samples_leaf=3),
        dict(extra_trees=True, class_weight="balanced"),
    ]
    x, y = sample(300, 16, 3, salt=4, imbalance=1)
    x[:, 14] = 1  # Constant.
    x[:, 15] = np.floor(x[:, 0] * 2)  # Many equal values.
    test, test_y = sample(150, 16, 3, salt=5, imbalance=1)
    test[:, 15] = np.floor(test[:, 0] * 2)
    for configuration in configurations:
        params = dict(configuration)
        make = ExtraTreesClassifier if params.pop("extra_trees", False) else RandomForestClassifier
        weights = weights_of(300) if params.pop("sample_weight", False) else None
        if isinstance(params.get("class_weight"), list):
            params["class_weight"] = dict(enumerate(params["class_weight"]))
        bootstrap = params.get("bootstrap", make is RandomForestClassifier)
        probabilities, accuracy, losses, importances, oob, nodes = [], [], [], [], [], []
        for seed in range(10):
            forest = make(100, random_state=seed, oob_score=bootstrap, **params).fit(x, y, weights)
            p = forest.predict_proba(test)
            probabilities.append(p)
            accuracy.append(accuracy_score(test_y, p.argmax(axis=1)))
            losses.append(log_loss(test_y, p))
            importances.append(forest.feature_importances_)
            nodes.append(np.mean([tree.tree_.node_count for tree in forest.estimators_]))
            if bootstrap:
                oob.append(forest.oob_score_)
        cases.append(
            dict(
                params=configuration,
                probabilities=rounded(np.mean(probabilities, axis=0).ravel(), 4),
                accuracy=rounded(accuracy, 4),
                log_loss=rounded(losses, 4),
                importances=rounded(importances, 5),
                oob_score=rounded(oob, 4),
                nodes=rounded(np.mean(nodes), 2),
            )
        )
    return cases


def permutation():
    x, y = sample(300, 10, 4, salt=6)
    test, test_y = sample(300, 10, 4, salt=7)
    means = []
    for seed in range(3):
        forest = RandomForestClassifier(100, random_state=seed).fit(x, y)
        result = permutation_importance(forest, test, test_y, n_repeats=10, random_state=seed)
        means.append(result.importances_mean)
    return dict(mean=rounded(np.mean(means, axis=0), 5))


def data():
    """A fingerprint of the data, to show that both languages make the same."""
    x, y = sample(200, 6, 4, salt=3, imbalance=0.5)
    return dict(x=float(x.astype(np.float64).sum()), head=x[:2].ravel().astype(np.float64).tolist(), y=np.bincount(y).tolist())


json.dump(
    dict(scikit_learn=sklearn.__version__, data=data(), trees=single_trees(), forests=forests(), permutation=permutation()),
    sys.stdout,
    separators=(",", ":"),
)
print()
