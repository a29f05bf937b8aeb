"""Which overcapacity sector a record shows by itself: products, words and acts, read from sectors.yml."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from registry.acts import LANE_OF_ACT, OVERCAPACITY_SECTORS
from registry.names import normalise

FILE: Final = Path(__file__).with_name("sectors.yml")


class Process(BaseModel):
    """What shows a sector only together with an industry class that is not of this sector alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    industry: str
    words: list[str] = Field(min_length=1)
    details: list[str] = Field(min_length=1)

    def pattern(self) -> str:
        """The words as a regular expression over normal forms."""
        return _any_of(self.words)


class Shown(BaseModel):
    """What shows one sector."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: list[str] = Field(min_length=1)
    words: list[str] = Field(min_length=1)
    exceptions: list[str] = Field(alias="except")
    process: Process | None = None

    def pattern(self) -> str:
        """The words as a regular expression over normal forms."""
        return _any_of(self.words)

    def exception_pattern(self) -> str:
        """The words that take it back."""
        return _any_of(self.exceptions)


class ShownSectors(BaseModel):
    """All sectors, and which acts show a construction project at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    construction_acts: list[str]
    not_construction_kinds: list[str]
    sectors: dict[str, Shown]

    @model_validator(mode="after")
    def _complete(self) -> "ShownSectors":
        unknown = [act for act in self.construction_acts if act not in LANE_OF_ACT]
        if unknown or set(self.sectors) != set(OVERCAPACITY_SECTORS):
            raise ValueError(f"{FILE.name}: unknown acts {unknown} or not exactly {OVERCAPACITY_SECTORS}")
        products = [product for one in self.sectors.values() for product in one.products]
        if len(set(products)) != len(products):
            raise ValueError(f"{FILE.name}: a product belongs to two sectors")
        return self


def _any_of(words: list[str]) -> str:
    return "|".join(normalise(word).text for word in words)


@lru_cache(maxsize=1)
def shown_sectors() -> ShownSectors:
    """The content of sectors.yml."""
    return ShownSectors.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
