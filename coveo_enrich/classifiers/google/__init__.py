"""Google Cloud Vision by plain REST: labels, objects, colours, text and logos of up to 16 pictures a call.

What a request holds is built in `requests`, what an answer means is read in `answers`; neither sends anything.
"""

from coveo_enrich.classifiers.google.classifier import GoogleVisionClassifier

__all__ = ["GoogleVisionClassifier"]
