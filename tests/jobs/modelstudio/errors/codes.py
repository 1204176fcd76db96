"""Codes of the service and what they mean."""

from __future__ import annotations

MEDIA_CODES = [
    "InvalidFile.NoHuman",
    "InvalidFile.MultiHuman",
    "InvalidFile.BodyProportion",
    "InvalidFile.FacePose",
    "InvalidFile.FullFace",
    "InvalidFile.FrontBody",
    "InvalidFile.BodyPose",
    "InvalidFile.FullBody",
    "InvalidFile.Value",
    "InvalidFile.Resolution",
    "InvalidFile.FPS",
    "InvalidFile.Content",
    "InvalidFile.Size",
    "InvalidFile.Duration",
    "InvalidFile.ImageSize",
    "InvalidImage.ImageSize",
    "InvalidFile.AspectRatio",
    "InvalidFile.Openerror",
    "InvalidFile.Format",
    "InvalidFile.Template.Content",
    "InvalidFile.FaceNotMatch",
    "InvalidFile.AudioLengthError",
    "InvalidImage.NoHumanFace",
    "InvalidImage.FileFormat",
    "InvalidImageFormat",
    "InvalidImageResolution",
    "InvalidPerson",
    "InvalidInputLength",
]
