"""The create pages, and which models each of them makes. Told by a model's inputs, never by its
name."""

from __future__ import annotations

from jobs.catalogue import entries

PAGES = ("portrait", "dance", "template")


def models_of(page: str) -> list[entries.Model]:
    """The catalogue's models that the create page `page` can make, its usual one first."""
    found = []
    for model in entries.MODELS.values():
        kinds = {i.kind for i in model.inputs}
        fits = {
            "portrait": model.kind is entries.Kind.VIDEO and {"image", "audio"} <= kinds,
            "dance": model.kind is entries.Kind.VIDEO
            and "image" in kinds
            and bool({"template", "video"} & kinds)
            and "audio" not in kinds,
            "template": model.kind is entries.Kind.TEMPLATE,
        }
        if fits[page]:
            found.append(model)
    return found


def page_of(model: entries.Model) -> str:
    """The create page that makes `model`; "" for one that no page makes, such as a check."""
    return next((page for page in PAGES if model in models_of(page)), "")


def dance_of(maker: entries.Model) -> entries.Model | None:
    """The model that dances the templates of `maker`; None for a model that makes none."""
    return next((model for model in entries.MODELS.values() if model.makes == maker.name), None)
