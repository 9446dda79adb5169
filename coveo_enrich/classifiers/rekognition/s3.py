"""References to S3 objects, which the service reads itself, and the buckets that a catalog may name.

Pure: looks at text only.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from coveo_enrich.errors import ImageRejected, shown

__all__ = ["BUCKET_NAME", "is_s3", "s3_object"]

BUCKET_NAME: Final = re.compile(r"[0-9A-Za-z._-]{3,255}")

_SCHEME: Final = "s3://"
_VERSION: Final = "?versionId="
_MOST_KEY_CHARACTERS: Final = 1024


def is_s3(reference: str) -> bool:
    """Whether a reference names an S3 object."""
    return reference.lower().startswith(_SCHEME)


def s3_object(reference: str, buckets: Collection[str]) -> dict[str, str]:
    """The ``S3Object`` of a request, from ``s3://bucket/key`` or ``s3://bucket/key?versionId=…``.

    A key is taken as it stands: no ``%20`` in it means a blank, and no ``..`` leads anywhere.

    Args:
        reference: What a product names.
        buckets: The buckets that may be read.

    Raises:
        ImageRejected: It names no object, or one in another bucket.
    """
    bucket, _, rest = reference[len(_SCHEME) :].partition("/")
    key, marker, version = rest.rpartition(_VERSION)
    if not marker:
        key, version = rest, ""
    if not BUCKET_NAME.fullmatch(bucket) or not 0 < len(key) <= _MOST_KEY_CHARACTERS or (marker and not version):
        raise ImageRejected("it names no S3 object; one is named like s3://bucket/key or s3://bucket/key?versionId=id")
    if bucket not in buckets:
        raise ImageRejected(f"the bucket {shown(bucket)} is not among s3_buckets, so Rekognition is not sent to it")
    named = {"Bucket": bucket, "Name": key}
    return {**named, "Version": version} if version else named
