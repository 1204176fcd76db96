"""Frames of any video brought to one size, upright, in the colours that every model and browser
takes."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from fractions import Fraction
from typing import Any

import av
from av.video.frame import VideoFrame

from studio.media.display_matrix import Turn, turn_of
from studio.media.tone import BT2020, cube_file, needs_mapping

BT709 = 1  # FFmpeg's number for its matrix, its primaries and its transfer
LIMITED, WHOLE_RANGE = 1, 2
WIDE_MATRICES = (9, 10)  # those of BT.2020
Nodes = list[tuple[str, str | None]]


class FrameShaper:
    """Frames brought to one size, upright, in yuv420p of limited range, whatever they are; bright
    and wide colours as BT.709."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.graphs: dict[Hashable, av.filter.Graph] = {}

    def shape(self, frame: VideoFrame) -> VideoFrame:
        """The frame as it is written; its colours say what they are."""
        turn = turn_of(frame)
        width, height = self.size[::-1] if turn.swaps_sides else self.size
        points = int(frame.color_primaries), int(frame.color_trc)
        if needs_mapping(*points):
            return self._mapped(frame, turn, points, width, height)
        scaled = frame.reformat(
            width,
            height,
            "yuv420p",
            interpolation="BICUBIC",
            src_color_range=WHOLE_RANGE if _is_whole_range(frame) else None,
            dst_color_range=LIMITED,
        )
        return self._through(turn, scaled, turn.filters()) if turn != Turn() else scaled

    def _mapped(
        self, frame: VideoFrame, turn: Turn, points: tuple[int, int], width: int, height: int
    ) -> VideoFrame:
        wide = frame.colorspace in WIDE_MATRICES or points[0] == BT2020
        matrix = "bt2020" if wide else "auto"
        source = "pc" if _is_whole_range(frame) else "tv"
        key = (turn, points, frame.format.name, frame.width, frame.height, matrix, source)
        if key in self.graphs:
            mapped = self._through(key, frame, [])
        else:
            # The filter reads its table when it is made; after that the file may go.
            with tempfile.NamedTemporaryFile("w", suffix=".cube") as table:
                table.write(cube_file(*points))
                table.flush()
                nodes: Nodes = [
                    ("scale", f"{width}:{height}:in_color_matrix={matrix}:in_range={source}"),
                    ("format", "gbrp10le"),
                    ("lut3d", f"file={table.name}:interp=tetrahedral"),
                    ("scale", "out_color_matrix=bt709:out_range=tv"),
                    ("format", "yuv420p"),
                ]
                mapped = self._through(key, frame, [*nodes, *turn.filters()])
        mapped.colorspace, mapped.color_range = BT709, LIMITED
        mapped.color_primaries = mapped.color_trc = BT709
        return mapped

    def _through(self, key: Hashable, frame: VideoFrame, nodes: Nodes) -> VideoFrame:
        """The frame filtered by the graph `key`, which is made of `nodes` when it is new."""
        graph = self.graphs.get(key)
        if graph is None:
            graph = self.graphs[key] = av.filter.Graph()
            first = graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=Fraction(1, 1000),
            )
            made = [graph.add(name, value) for name, value in nodes]
            graph.link_nodes(first, *made, graph.add("buffersink")).configure()
        frame.pts = None
        graph.push(frame)
        pulled: Any = graph.pull()
        shaped: VideoFrame = pulled
        return shaped


def _is_whole_range(frame: VideoFrame) -> bool:
    return frame.color_range == WHOLE_RANGE or frame.format.name.startswith("yuvj")
