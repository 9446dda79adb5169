"""What Amazon Rekognition sees in a picture: its own labels, colours and text, or the labels of a custom model."""

from coveo_enrich.classifiers.rekognition.classifier import RekognitionClassifier
from coveo_enrich.classifiers.rekognition.client import RekognitionClient

__all__ = ["RekognitionClassifier", "RekognitionClient"]
