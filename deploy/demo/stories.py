"""The told evasions: what each says (data/stories.yml), who tells it, in which provinces and sectors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from deploy.demo import invented, stories_code, stories_credit, stories_land, stories_later
from deploy.demo.invented import Registry
from deploy.demo.scene import Scene
from deploy.demo.sectors import COAST, SECTORS, sectors_of
from deploy.demo.world import World

CATALOGUE = Path(__file__).parent / "data" / "stories.yml"
TEXTS = ("title_zh", "title_en", "what_zh", "what_en")


def catalogue() -> dict[str, dict[str, Any]]:
    """The stories by id, in the order of the file."""
    with CATALOGUE.open(encoding="utf-8") as file:
        read: dict[str, dict[str, Any]] = yaml.safe_load(file)
    return read


def teller(story: str) -> Callable[[Scene], None]:
    """The function named after the story."""
    name = story.replace("-", "_")
    for module in (stories_land, stories_credit, stories_code, stories_later):
        found: Callable[[Scene], None] | None = getattr(module, name, None)
        if found is not None:
            return found
    raise LookupError(f"data/stories.yml names the story {story}, but no function {name} tells it")


def tell_stories(world: World, registry: Registry, instances: int) -> None:
    """Tell every story so many times, over provinces and sectors in turn."""
    for number, (identifier, story) in enumerate(catalogue().items()):
        tell = teller(identifier)
        enterprises: list[str] = []
        projects: list[str] = []
        for instance in range(instances):
            chance = world.chance(f"story/{identifier}/{instance}")
            province, sector = _where(story.get("sectors", list(SECTORS)), number, instance)
            scene = Scene(world, registry, chance, identifier, instance, province, sector)
            tell(scene)
            enterprises += scene.enterprises
            projects += scene.projects
        world.stories[identifier] = {
            "id": identifier,
            **{field: story[field] for field in TEXTS},
            "enterprise_references": enterprises,
            "project_references": projects,
            "rules": story["rules"],
        }


def _where(sectors: list[str], number: int, instance: int) -> tuple[str, str]:
    """A province and a sector of the story that go together."""
    if sectors == ["ships"]:
        return COAST[(number + instance) % len(COAST)], "ships"
    sector = sectors[(number + instance) % len(sectors)]
    position = number * 7 + instance * 4
    while sector not in sectors_of(invented.province_at(position)):
        position += 1
    return invented.province_at(position), sector
