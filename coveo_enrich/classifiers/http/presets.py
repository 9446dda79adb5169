"""Known services, as data: where they are asked, how, and where their answers have what.

Nothing here does anything; a service that is missing is described in the same way by whoever needs it. Keys are the
caller's: each function says which `auth` goes with it.
"""

from __future__ import annotations

from typing import Final, Literal

from coveo_enrich.classifiers.http.paths import AnswerPaths
from coveo_enrich.classifiers.http.service import Batch, HttpService
from coveo_enrich.classifiers.http.status import LIKE_HTTP, OF_ONE_PICTURE, StatusInside
from coveo_enrich.classifiers.http.templates import BYTES, Json
from coveo_enrich.classifiers.values import FailureKind
from coveo_enrich.images.limits import ImageLimits

__all__ = ["clarifai", "hugging_face", "imagga_colors", "imagga_tags", "ximilar"]

Send = Literal["url", "bytes"]

_MANY_IN_A_BODY: Final = ImageLimits(max_side=2048, max_bytes=2_000_000)
_MOST_IN_A_BODY: Final = 16
"""Pictures by their bytes in one request, which is held in memory: 43 MB of base64 at most."""

_CLARIFAI_KINDS: Final[dict[object, FailureKind]] = {
    **dict.fromkeys((11000, 11001, 11002, 11004, 11006, 11007, 11008, 11009, 11101, 11103), "configuration"),
    11003: "throttled",
    11005: "throttled",
}


def ximilar(task: str = "tagging/fashion/v2/detect_tags", *, send: Send = "url") -> HttpService:
    """Ximilar's tagging of fashion, home decor and other things: ``HeaderAuth(token, prefix="Token")``.

    Args:
        task: The path of the task, such as ``tagging/fashion/v2/tags`` or ``tagging/homedecor/v2/tags``.
        send: Whether it gets the ``url`` of a picture, or its ``bytes``.
    """
    record: dict[str, Json] = {"_url": "{image_url}"} if send == "url" else {"_base64": "{image_base64}"}
    tags = "{name: key, value: value[].{value: name, score: prob}}"
    return HttpService(
        f"https://api.ximilar.com/{task}",
        json={"records": [record]},
        batch=Batch(items="records", answers="records", size=10, errors=_ximilar_status("_status", OF_ONE_PICTURE)),
        errors=_ximilar_status("status", LIKE_HTTP),
        parse=AnswerPaths(
            labels=("_objects[].{name: name, score: prob}", "_tags[].{name: name, score: prob}"),
            attributes=(
                """_objects[].{name: 'Top Category', value: "Top Category"[].{value: name, score: prob}}""",
                f"_objects[].items(_tags)[].{tags}",
                f"items(_tags)[].{tags}",
            ),
            colors=("_objects[]._tags.Color[].{name: name, score: prob}", "_tags.Color[].{name: name, score: prob}"),
        ),
        accepts=_MANY_IN_A_BODY,
    )


def _ximilar_status(place: str, kinds: dict[object, FailureKind]) -> StatusInside:
    return StatusInside(code=f"{place}.code", ok=range(200, 400), kinds=kinds, message=f"{place}.text")


def clarifai(
    model: str = "general-image-recognition", *, user: str = "clarifai", app: str = "main", send: Send = "url"
) -> HttpService:
    """A model at Clarifai, concepts or colours: ``HeaderAuth(personal_access_token, prefix="Key")``.

    Args:
        model: The id of the model.
        user: Whose model it is.
        app: The app that it is in.
        send: Whether it gets the ``url`` of a picture, or its ``bytes``.
    """
    image: dict[str, Json] = {"url": "{image_url}"} if send == "url" else {"base64": "{image_base64}"}
    status = StatusInside(
        code="status.code",
        ok=frozenset({10000, 10010}),  # 10010: some inputs failed, each with its own status
        kinds=_CLARIFAI_KINDS,
        message="status.description",
        retry_after=15,
    )
    return HttpService(
        f"https://api.clarifai.com/v2/models/{model}/outputs",
        json={"user_app_id": {"user_id": user, "app_id": app}, "inputs": [{"data": {"image": image}}]},
        batch=Batch(items="inputs", answers="outputs", size=128 if send == "url" else _MOST_IN_A_BODY, errors=status),
        errors=status,
        parse=AnswerPaths(
            # Its protocol leaves out lists that are empty, so nothing but data means that nothing was seen.
            labels="(data == `{}` && `[[]]` || data.concepts)[].{name: name, score: value}",
            colors="data.colors[].{name: w3c.name, score: value, hex: raw_hex}",
        ),
        model_version="model.model_version.id",
        accepts=_MANY_IN_A_BODY,
        images_per_second=15,
    )


def imagga_tags() -> HttpService:
    """Imagga's English tags for the URL of a picture: ``BasicAuth(api_key, api_secret)``."""
    return _imagga("tags", AnswerPaths(labels="result.tags[].{name: tag.en, score: confidence}", scale=100))


def imagga_colors() -> HttpService:
    """Imagga's colours of what is in front, for the URL of a picture: ``BasicAuth(api_key, api_secret)``.

    The name is the broader colour, the shade the closer one; the confidence is a share of the picture.
    """
    record = (
        "{name: closest_palette_color_parent, shade: closest_palette_color, score: percent, rgb: [r, g, b],"
        " hex: html_code}"
    )
    of = "(result.colors.foreground_colors || result.colors.image_colors)"
    return _imagga("colors", AnswerPaths(colors=f"{of}[].{record}", scale=100))


def _imagga(operation: str, parse: AnswerPaths) -> HttpService:
    return HttpService(
        f"https://api.imagga.com/v2/{operation}",
        method="GET",
        query={"image_url": "{image_url}"},
        errors=StatusInside(code="status.type", ok=frozenset({"success"}), message="status.text"),
        parse=parse,
    )


def hugging_face(model: str, *, url: str | None = None) -> HttpService:
    """An image classification model at Hugging Face, which gets the bytes: ``HeaderAuth(token)``.

    A model that is being loaded says how long that takes, and is asked again then.

    Args:
        model: The id of the model, such as ``google/vit-base-patch16-224``.
        url: Your own endpoint that serves it; default the shared one.
    """
    return HttpService(
        url or f"https://router.huggingface.co/hf-inference/models/{model}",
        content=BYTES,
        errors=StatusInside(code="error", retry_after="estimated_time"),
        parse=AnswerPaths(labels="[].{name: label, score: score}"),
        accepts=ImageLimits(max_side=2048),
    )
