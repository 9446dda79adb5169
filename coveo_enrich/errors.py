"""Everything that the library raises, in one tree, so that a caller catches what it can act on.

    CoveoEnrichError
    ├── ConfigurationError            what you set cannot work (also a ValueError)
    │   └── MissingExtraError         an optional dependency is not installed (also an ImportError)
    ├── CatalogFileError              a catalog file cannot be read, with the line
    ├── InvalidItem                   an item that Coveo would not index, with its position
    ├── ClassifierError               what a classifier adapter may raise
    │   ├── ImageRejected             this picture will never work; others may
    │   ├── Throttled                 slow down, then ask again
    │   └── ServiceUnavailable        it may work later
    │       └── ImageUnavailable      ... because the picture's own host did not send it
    ├── NoReply                       no answer came back over the network
    ├── CoveoRefused                  Coveo answered with an error
    │   └── AccessRefused             ... because of the API key or its privileges (401, 403)
    ├── FieldsInConflict              fields exist that do not do what is needed
    ├── FieldsNotReady                what is to be sent would vanish, so nothing was sent
    ├── UploadRefused                 the storage behind an upload URL answered with an error
    └── StreamError                   a load that must not be closed, or older items that must not be deleted
        ├── StreamStateError          a stream was used in a way its state does not allow (also a RuntimeError)
        ├── EmptyLoad                 the source would be emptied
        ├── ShrinkingLoad             the source would be left with less than half of its items
        ├── SourceSizeUnknown         the size of the source, which guards it, could not be had
        ├── TooManyItems              more items than a load is made for
        ├── ChunksExpired             a load took so long that its first chunks may be gone
        ├── DeletionRefused           delete-older-than was asked for without a complete full update
        └── CloseOutcomeUnknown       the reply to close was lost: done or not, nobody knows yet

Errors hold plain data, pickle, and never hold a secret or a response object. They are mutable classes with a
``__dict__`` because that is what Python needs to chain, annotate and unpickle an exception. What fails for one product
while it is enriched is not an error but a value, `coveo_enrich.classifiers.Failure`.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

__all__ = [
    "AccessRefused",
    "CatalogFileError",
    "ChunksExpired",
    "ClassifierError",
    "CloseOutcomeUnknown",
    "ConfigurationError",
    "CoveoEnrichError",
    "CoveoRefused",
    "DeletionRefused",
    "EmptyLoad",
    "FieldsInConflict",
    "FieldsNotReady",
    "ImageRejected",
    "ImageUnavailable",
    "InvalidItem",
    "MissingExtraError",
    "NoReply",
    "ServiceUnavailable",
    "ShrinkingLoad",
    "SourceSizeUnknown",
    "StreamError",
    "StreamStateError",
    "Throttled",
    "TooManyItems",
    "UploadRefused",
]


_MOST_CHARACTERS: Final = 200


def shown(text: str) -> str:
    """A text of unknown origin as a message shows it: on one line, and not without end."""
    whole = text if text.isprintable() else repr(text)[1:-1]
    return whole if len(whole) <= _MOST_CHARACTERS else f"{whole[:_MOST_CHARACTERS]}…"


class CoveoEnrichError(Exception):
    """The root of every error that this library raises.

    Attributes:
        receipt: What an operation had done until it failed: a `coveo_enrich.stream.Receipt`, or of
            `coveo_enrich.index.FieldClient.apply` a `coveo_enrich.index.AppliedFields`; `None` outside such an
            operation.
    """

    receipt: Any = None


@attrs.define(slots=False)
class ConfigurationError(CoveoEnrichError, ValueError):
    """What you set cannot work, whatever the catalog: mend it and run again."""

    message: str

    def __str__(self) -> str:
        return self.message


@attrs.define(slots=False)
class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    extra: str = ""

    @classmethod
    def of(cls, what: str, extra: str) -> MissingExtraError:
        """Say that ``what`` needs ``extra``, and how to install it."""
        return cls(
            f"{what} needs an optional dependency: run: pip install 'coveo-enrich[{extra}]'",
            extra,
        )


@attrs.define(slots=False)
class CatalogFileError(CoveoEnrichError):
    """A catalog file cannot be read.

    Attributes:
        path: The file.
        line: The line that cannot be read, counted from 1; `None` when the file itself cannot be opened.
        reason: What is wrong with it.
    """

    path: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.reason}"


@attrs.define(slots=False)
class InvalidItem(CoveoEnrichError):
    """An item that Coveo would refuse, or would index as something else than you meant.

    Attributes:
        document_id: The item's ``documentId``; `None` when it has none.
        position: Its place among the items of this call, counted from 1.
        reason: What is wrong, and what to do.
        code: A short name of the reason, the same for every item that has it.
    """

    document_id: str | None
    position: int
    reason: str
    code: str = "invalid"

    def __str__(self) -> str:
        return f"item {self.position} ({shown(self.document_id or 'no documentId')}): {self.reason}"


class ClassifierError(CoveoEnrichError):
    """The root of what a classifier adapter may raise besides `ConfigurationError`."""


@attrs.define(slots=False)
class ImageRejected(ClassifierError):
    """This picture cannot be classified and never will be: dead link, not an image, too large, not allowed."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.define(slots=False)
class Throttled(ClassifierError):
    """The service asks for a pause.

    Attributes:
        reason: What the service said; default that it asked for a pause.
        retry_after: Seconds that the service asked to wait; `None` when it did not say.
    """

    reason: str = "the service asked for a pause"
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.reason


@attrs.define(slots=False)
class ServiceUnavailable(ClassifierError):
    """The service did not answer usefully; it may do so later.

    Attributes:
        reason: What happened.
        retry_after: Seconds that the service asked to wait; `None` when it did not say.
    """

    reason: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.reason


@attrs.define(slots=False)
class ImageUnavailable(ServiceUnavailable):
    """The host of the picture did not send it; it may do so later. No service was asked."""


@attrs.define(slots=False)
class NoReply(CoveoEnrichError):
    """No answer came back over the network, or none that is whole, in time, and of a size that can be meant.

    Attributes:
        operation: What was attempted.
        host: The host that was asked.
        reason: What the network reported, or what was wrong with the answer.
        sent: Whether the request may have reached the host: `False` only when no connection was made.
    """

    operation: str
    host: str
    reason: str
    sent: bool

    def __str__(self) -> str:
        what = "the reply was lost" if self.sent else "no connection was made"
        return f"{self.operation}: {what} ({self.host}: {self.reason})"


@attrs.define(slots=False)
class CoveoRefused(CoveoEnrichError):
    """Coveo answered with an error that a repetition does not cure, or that outlasted the repetitions.

    Attributes:
        operation: What was attempted.
        status: The HTTP status.
        error_code: Coveo's ``errorCode``; `None` when the body had none.
        detail: Coveo's message, or the start of the body.
        advice: What to do about it; empty when nothing is known.
        request_id: Coveo's id for the request, for its support; `None` when it gave none.
    """

    operation: str
    status: int
    error_code: str | None
    detail: str
    advice: str = ""
    request_id: str | None = None

    def __str__(self) -> str:
        code = f" {self.error_code}" if self.error_code else ""
        text = f"{self.operation}: Coveo answered {self.status}{code}"
        if self.detail:
            text += f": {self.detail.rstrip('.')}"
        return f"{text}. {self.advice}" if self.advice else text


@attrs.define(slots=False)
class AccessRefused(CoveoRefused):
    """Coveo refused the API key, or the key lacks a privilege (401, 403)."""


@attrs.define(slots=False)
class FieldsInConflict(CoveoEnrichError):
    """Fields exist that do not do what is needed; they are not changed.

    Attributes:
        conflicts: What is not as it should be, and what would break, one text each.
    """

    conflicts: tuple[str, ...]

    def __str__(self) -> str:
        listed = "; ".join(self.conflicts)
        return f"fields exist that do not do what is needed: {listed}. Change them in Coveo, or use other names"


@attrs.define(slots=False)
class FieldsNotReady(CoveoEnrichError):
    """Values would vanish, as their fields are not there or do not take them; nothing was sent.

    Attributes:
        plan: What would have to be done, as `coveo_enrich.index.FieldPlan` prints it.
        can_be_applied: Whether `coveo_enrich.index.FieldClient.apply` would do any of it.
    """

    plan: str
    can_be_applied: bool = True

    def __str__(self) -> str:
        makes = "To make what is missing: with FieldClient(source) as fields: fields.apply(fields.plan(needs))"
        change = "Change the fields in Coveo, or use others"
        return (
            f"nothing was sent, as values would vanish:\n{self.plan}\n"
            f"{makes if self.can_be_applied else change}; fields='ignore' sends nevertheless."
        )


@attrs.define(slots=False)
class UploadRefused(CoveoEnrichError):
    """The storage behind an upload URL refused a chunk, and no new container helped.

    Attributes:
        status: The HTTP status.
        code: The storage's own error code, such as ``EntityTooLarge``; `None` when the body had none.
        size: Bytes of the chunk.
    """

    status: int
    code: str | None
    size: int

    def __str__(self) -> str:
        code = f" {self.code}" if self.code else ""
        return f"upload of a chunk of {self.size:,} bytes: the storage answered {self.status}{code}"


class StreamError(CoveoEnrichError):
    """The root of what keeps a load from being closed, or old items from being deleted."""


@attrs.define(slots=False)
class StreamStateError(StreamError, RuntimeError):
    """A stream was used in a way that its state does not allow: a mistake in the calling program."""

    message: str

    def __str__(self) -> str:
        return self.message


@attrs.define(slots=False)
class EmptyLoad(StreamError):
    """There was no item to load, or to replace the source by, which would delete everything in it."""

    source_id: str

    def __str__(self) -> str:
        return (
            f"there was no item for source {self.source_id}, and a source without items would be the result; "
            "so nothing was closed, and nothing deleted. Check where the items come from."
        )


@attrs.define(slots=False)
class ShrinkingLoad(StreamError):
    """The source would be left with less than half of the items that it has now.

    Attributes:
        items: Items that were sent.
        expected: Items that were to be expected.
        expected_from: Where that number came from.
    """

    items: int
    expected: int
    expected_from: str

    def __str__(self) -> str:
        return (
            f"there were {self.items:,} items, less than half of the {self.expected:,} expected "
            f"({self.expected_from}); so nothing was closed, and nothing deleted. "
            "If the catalog really shrank, pass allow_shrink=True."
        )


@attrs.define(slots=False)
class SourceSizeUnknown(StreamError):
    """How many items the source has could not be had, so a shrinking catalog could not be stopped."""

    source_id: str
    reason: str

    def __str__(self) -> str:
        return (
            f"how many items source {self.source_id} has could not be read ({self.reason}), so nothing was sent. "
            "Pass expected_items= with the number you expect, or allow_shrink=True to do without this guard; "
            "a platform_key that may view sources lets the guard work by itself."
        )


@attrs.define(slots=False)
class TooManyItems(StreamError):
    """The load has more items than Coveo's load operation is made for."""

    limit: int

    def __str__(self) -> str:
        return (
            f"the load has more than {self.limit:,} items; nothing was closed. Coveo advises against loads of that "
            "size: use replace, which comes to the same by updates; max_items= raises the limit."
        )


@attrs.define(slots=False)
class ChunksExpired(StreamError):
    """The load took so long that its first chunks may be gone, and their items would be deleted by the close.

    Attributes:
        minutes: Minutes since the first container was asked for.
    """

    minutes: float

    def __str__(self) -> str:
        return (
            f"the first chunk's container was given out {self.minutes:.0f} minutes ago and Coveo keeps one for 60, so "
            "what it held may be missing; nothing was closed. Where making the items takes that long, write them to a "
            "file first and load the file, or use replace, whose chunks take effect one by one."
        )


@attrs.define(slots=False)
class DeletionRefused(StreamError):
    """Older items must not be deleted on the strength of this receipt.

    Attributes:
        reason: What is missing.
    """

    reason: str

    def __str__(self) -> str:
        return f"older items are not deleted: {self.reason}"


@attrs.define(slots=False)
class CloseOutcomeUnknown(StreamError):
    """The reply to close was lost and a repetition did not settle it: the source has the old items or the new ones.

    Attributes:
        stream_id: The stream.
        items: Items that were uploaded to it.
        reason: What came back last.
    """

    stream_id: str
    items: int
    reason: str

    def __str__(self) -> str:
        return (
            f"whether stream {self.stream_id} was closed is unknown ({self.reason}): the source holds either what it "
            f"held before or the {self.items:,} items of this load. Read some items back to find out, or load again."
        )
