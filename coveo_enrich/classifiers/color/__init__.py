"""What colour a product is, seen in the picture itself: no account, no network, only Pillow.

Nothing here knows which colour words a shop uses; that is its vocabulary's to say.
"""

from coveo_enrich.classifiers.color.classifier import ColorClassifier

__all__ = ["ColorClassifier"]
