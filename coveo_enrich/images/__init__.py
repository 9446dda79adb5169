"""The picture: named by a product, fetched safely, made ready to be looked at.

Nothing here knows what is seen in a picture, or which product it belongs to.
"""

from coveo_enrich.images.image import LoadedImage, ProductImage
from coveo_enrich.images.limits import ImageFormat, ImageLimits
from coveo_enrich.images.reader import ImageReader

__all__ = ["ImageFormat", "ImageLimits", "ImageReader", "LoadedImage", "ProductImage"]
