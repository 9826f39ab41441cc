"""Golden values for libs/stats, from scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6 (double precision), statsmodels 0.15.0.

    python libs/stats/golden/make.py

writes the JSON files beside this script. Inputs are drawn here and stored with the outputs, rounded to a few
decimals so that both sides start from the same numbers; outputs keep 12 significant digits.
"""

import json
from pathlib import Path

import numpy
import scipy
import sklearn
import statsmodels
from scipy.special import betainc, gammaln, softmax
from scipy.stats import binomtest, chi2, t as student
from sklearn.datasets import make_moons
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    classification_report,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_class_weight
from statsmodels.stats.contingency_tables import mcnemar

PEERS = {"scikit-learn": "1.9.1", "scipy": "1.17.1", "numpy": "2.4.6", "statsmodels": "0.15.0"}
FOUND = {
    "scikit-learn": sklearn.__version__,
    "scipy": scipy.__version__,
    "numpy": numpy.__version__,
    "statsmodels": statsmodels.__version__,
}
assert FOUND == PEERS, f"expected {PEERS}, found {FOUND}"

HERE = Path(__file__).parent
rng = numpy.random.default_rng(20240)


def write(name, content):
    def plain(value):
        if isinstance(value, numpy.ndarray):
            return value.tolist()
        if isinstance(value, numpy.generic):
            return value.item()
        raise TypeError(type(value))

    def short(value):
        if isinstance(value, float):
            return float(f"{value:.12g}")
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return [short(item) for item in value] if isinstance(value, list) else value

    content = short(json.loads(json.dumps({"peers": PEERS, **content}, default=plain, allow_nan=False)))
    text = json.dumps(content, separators=(",", ":"))
    (HERE / f"{name}.json").write_text(text + "\n")


def scaler():
    x = rng.normal(size=(23, 6)) * [1, 100, 1e-3, 5, 1, 1] + [0, 1e4, 3, -2, 0, 0]
    x = numpy.round(x, 6)
    x[:, 4] = 0.1  # constant: its variance is rounding noise, not zero
    x[:, 5] = numpy.round(x[:, 5])
    fits = []
    for kind, peer in [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("minmax", MinMaxScaler(feature_range=(-1, 3))),
        ("robust", RobustScaler()),
        ("robust", RobustScaler(quantile_range=(10, 80))),
    ]:
        options = {"kind": kind}
        if kind == "minmax":
            options["feature_range"] = list(peer.feature_range)
        if kind == "robust":
            options["quantile_range"] = list(peer.quantile_range)
        scaled = peer.fit_transform(x)
        one_row = type(peer)(**peer.get_params()).fit_transform(x[:1])
        fits.append({"options": options, "scaled": scaled, "one_row": one_row})
    write("scaler", {"x": x, "fits": fits})


def pca():
    def low_rank(rows, cols):
        strength = 3.0 * 0.7 ** numpy.arange(cols)
        mixed = (rng.normal(size=(rows, cols)) * strength) @ numpy.linalg.qr(rng.normal(size=(cols, cols)))[0]
        return numpy.round(mixed + rng.normal(size=cols) * 5, 5)

    cases = []
    for name, x, options in [
        ("tall, all components", low_rank(40, 7), {}),
        ("tall, a count", low_rank(40, 7), {"n_components": 3}),
        ("tall, a share", low_rank(60, 12), {"n_components": 0.98}),
        ("tall, a share, whitened", low_rank(60, 12), {"n_components": 0.9, "whiten": True}),
        ("wide, a share", low_rank(9, 30), {"n_components": 0.95}),
        ("wide, a count, whitened", low_rank(9, 30), {"n_components": 4, "whiten": True}),
    ]:
        peer = PCA(svd_solver="full", **options).fit(x)
        projected = peer.transform(x)
        cases.append(
            {
                "name": name,
                "x": x,
                "options": options,
                "components": peer.components_,
                "mean": peer.mean_,
                "explained_variance": peer.explained_variance_,
                "explained_variance_ratio": peer.explained_variance_ratio_,
                "singular_values": peer.singular_values_,
                "noise_variance": peer.noise_variance_,
                "projected": projected,
                "restored": peer.inverse_transform(projected),
            }
        )
    shares = []
    x = low_rank(50, 10)
    for share in [0.05, 0.3, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.999999]:
        shares.append([share, PCA(n_components=share, svd_solver="full").fit(x).n_components_])
    write("pca", {"cases": cases, "shares": {"x": x, "counts": shares}})


def labels():
    names = ["sad", "angry", "calm", "Happy", "sad", "été", "\U0001f600", "\uffee", "calm", "angry", "angry"]
    encoder = LabelEncoder().fit(names)
    weights = compute_class_weight("balanced", classes=encoder.classes_, y=names)
    write("labels", {"labels": names, "classes": encoder.classes_, "indices": encoder.transform(names), "balanced": weights})


def classification(truth, predicted, classes):
    every = list(range(classes))
    names = [f"emotion {c}" for c in every]
    scores = precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    averages = {
        average: precision_recall_fscore_support(truth, predicted, labels=every, average=average, zero_division=0)[:3]
        for average in ["macro", "weighted"]
    }
    return {
        "classes": classes,
        "truth": truth,
        "predicted": predicted,
        "confusion": confusion_matrix(truth, predicted, labels=every),
        "normalized": confusion_matrix(truth, predicted, labels=every, normalize="true"),
        "accuracy": accuracy_score(truth, predicted),
        "balanced_accuracy": balanced_accuracy_score(truth, predicted),
        "per_class": scores,
        **averages,
        "labels": names,
        "report": classification_report(truth, predicted, labels=every, target_names=names, zero_division=0),
        "report_4": classification_report(truth, predicted, labels=every, target_names=names, zero_division=0, digits=4),
    }


def metrics():
    truth = rng.integers(0, 4, 60)
    predicted = numpy.where(rng.random(60) < 0.6, truth, rng.integers(0, 4, 60))
    sparse_truth = numpy.array([0, 0, 1, 1, 1, 3, 3, 0])
    sparse_predicted = numpy.array([0, 1, 1, 1, 4, 3, 0, 0])  # class 2 nowhere; 3 and 4 lopsided

    logits = rng.normal(size=(60, 4)) * 2
    logits[numpy.arange(60), truth] += 1.5
    probabilities = numpy.round(softmax(logits, axis=1), 6)
    probabilities[:, 3] = numpy.round(1 - probabilities[:, :3].sum(axis=1), 6)
    every = list(range(4))
    binary = probabilities[:, :2] / probabilities[:, :2].sum(axis=1, keepdims=True)
    binary_truth = (truth > 1).astype(int)
    certain = numpy.eye(4)[predicted]
    write(
        "metrics",
        {
            "cases": [classification(truth, predicted, 4), classification(sparse_truth, sparse_predicted, 5)],
            "probabilities": {
                "truth": truth,
                "matrix": probabilities,
                "log_loss": log_loss(truth, y_proba=probabilities, labels=every),
                "log_loss_of_certainty": log_loss(truth, y_proba=certain, labels=every),
                "certain": predicted,
                "brier": brier_score_loss(truth, probabilities, labels=every),
                "brier_halved": brier_score_loss(truth, probabilities, labels=every, scale_by_half=True),
                "roc_auc": roc_auc_score(truth, probabilities, multi_class="ovr", average="macro", labels=every),
                "roc_auc_rounded": roc_auc_score(
                    truth, numpy.round(probabilities * 10) / numpy.round(probabilities * 10).sum(axis=1, keepdims=True),
                    multi_class="ovr", average="macro", labels=every,
                ),
                "roc_auc_per_class": [roc_auc_score(truth == c, probabilities[:, c]) for c in every],
                "top_k": [top_k_accuracy_score(truth, probabilities, k=k, labels=every) for k in [1, 2, 3]],
                "binary": binary,
                "binary_truth": binary_truth,
                "binary_brier": brier_score_loss(binary_truth, binary[:, 1]),
            },
        },
    )


def resampled():
    """The two best models of scikit-learn's example "Statistical comparison of models using grid search"."""
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    scores = [
        cross_val_score(SVC(kernel=kernel, random_state=0), x, y, cv=folds, scoring="roc_auc")
        for kernel in ["rbf", "linear"]
    ]
    differences = numpy.round(scores[0] - scores[1], 12)
    error = numpy.sqrt(numpy.var(differences, ddof=1) * (1 / 100 + 10 / 90))
    t = differences.mean() / error
    assert (f"{t:.3f}", f"{student.sf(t, 99):.3f}") == ("0.750", "0.227"), "what the example's page prints"
    interval = student.interval(0.95, 99, loc=differences.mean(), scale=error)
    return {"differences": differences, "test_to_train": 10 / 90, "t": t, "p": 2 * student.sf(t, 99), "interval": interval}


def significance():
    def test(b, c, exact):
        found = mcnemar([[17, b], [c, 4]], exact=exact, correction=True)
        return [b, c, found.statistic, found.pvalue]

    write(
        "significance",
        {
            "mcnemar_exact": [
                [b, c, binomtest(min(b, c), b + c, 0.5).pvalue]
                for b, c in [(1, 0), (3, 9), (25, 11), (7, 7), (40, 90), (460, 540), (150, 850)]
            ],
            "mcnemar_chi2": [
                [b, c, (abs(b - c) - 1) ** 2 / (b + c), chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1)]
                for b, c in [(3, 9), (25, 11), (40, 90), (600, 720)]
            ],
            "mcnemar_statsmodels": {
                "exact": [test(b, c, True) for b, c in [(5, 0), (12, 25), (30, 31), (7, 2)]],
                "chi2": [test(b, c, False) for b, c in [(12, 25), (30, 31), (59, 6)]],
            },
            "resampled": resampled(),
            "student": [[x, df, 2 * student.sf(x, df)] for x in [0.0, 0.3, 1.7, 4.2, 30.0] for df in [1, 4, 9, 60]],
            "student_quantile": [[level, df, student.ppf((1 + level) / 2, df)] for level in [0.5, 0.95, 0.999] for df in [1, 4, 29]],
            "log_gamma": [[x, gammaln(x)] for x in [0.1, 0.5, 1.0, 1.5, 2.0, 7.25, 100.0, 1001.0]],
            "incomplete_beta": [[x, a, b, betainc(a, b, x)] for x in [0.01, 0.4, 0.9] for a in [0.5, 2.0, 30.0] for b in [0.5, 5.0]],
        },
    )


def stacking():
    # A generator of its own: the golden values above stay as they are.
    own = numpy.random.default_rng(7)

    def case(classes, rows, C):
        y = own.integers(0, classes, rows)
        x = own.normal(size=(rows, 4)) + own.normal(size=(classes, 4))[y]
        folds = list(StratifiedKFold(5).split(x, y))
        final = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000)
        members = [("linear", LogisticRegression(C=0.1)), ("bayes", GaussianNB())]
        peer = StackingClassifier(members, final_estimator=final, cv=folds, stack_method="predict_proba").fit(x, y)
        new = own.normal(size=(8, 4)) * 1.5
        return {
            "C": C,
            "classes": classes,
            "truth": y,
            "out_of_fold": [cross_val_predict(m, x, y, cv=folds, method="predict_proba") for _, m in members],
            "members": [m.predict_proba(new) for m in peer.estimators_],
            "coef": peer.final_estimator_.coef_,
            "intercept": peer.final_estimator_.intercept_,
            "stacked": peer.predict_proba(new),
        }

    write("stacking", {"cases": [case(3, 45, 1.0), case(2, 40, 1.0), case(4, 50, 30.0)]})


for make in [scaler, pca, labels, metrics, significance, stacking]:
    make()
