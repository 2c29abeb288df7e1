"""What comes of taking a piece of a policy away."""

import attrs

from tests.trust.pieces import Piece


@attrs.frozen
class Verdict:
    """What taking a piece away comes to.

    Attributes:
        piece: What was taken away.
        breaks: The scenario that goes wrong without it; empty if none does.
        how: What it was refused; for what is Glue's own, where that is written.
    """

    piece: Piece
    breaks: str
    how: str

    @property
    def needless(self) -> bool:
        """Nothing breaks, and it is not Glue's own."""
        return not self.breaks
