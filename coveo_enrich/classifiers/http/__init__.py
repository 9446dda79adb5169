"""Any classification service that speaks HTTP and JSON, described by values instead of by code."""

from coveo_enrich.classifiers.http.auth import Auth, BasicAuth, BodyAuth, Credentials, HeaderAuth, QueryAuth
from coveo_enrich.classifiers.http.chat import chat
from coveo_enrich.classifiers.http.classifier import Explanation, HttpClassifier
from coveo_enrich.classifiers.http.paths import AnswerPaths
from coveo_enrich.classifiers.http.presets import clarifai, hugging_face, imagga_colors, imagga_tags, ximilar
from coveo_enrich.classifiers.http.service import Batch, HttpService, Observation, Parse
from coveo_enrich.classifiers.http.status import StatusInside

__all__ = [
    "AnswerPaths",
    "Auth",
    "BasicAuth",
    "Batch",
    "BodyAuth",
    "Credentials",
    "Explanation",
    "HeaderAuth",
    "HttpClassifier",
    "HttpService",
    "Observation",
    "Parse",
    "QueryAuth",
    "StatusInside",
    "chat",
    "clarifai",
    "hugging_face",
    "imagga_colors",
    "imagga_tags",
    "ximilar",
]
