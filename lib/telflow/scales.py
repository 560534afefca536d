"""What evens a feature out before distances are taken."""

from typing import Literal

Scale = Literal["log", "root", "plain"]
