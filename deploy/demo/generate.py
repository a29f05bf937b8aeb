"""The whole demo for a seed and a size: real plants, notices, stories, the lawful majority, bystanders."""

from dataclasses import dataclass

from deploy.demo.bystanders import other_sector, strangers
from deploy.demo.course import later_act, settle
from deploy.demo.invented import Registry
from deploy.demo.malformed import malformed_records
from deploy.demo.notices import notices
from deploy.demo.plans import plan_invented_projects
from deploy.demo.plants import enterprises_and_projects
from deploy.demo.real_acts import real_course, recognise_real_projects
from deploy.demo.stories import tell_stories
from deploy.demo.world import World

FULL_RECORDS = 24_000
TINY_RECORDS = 300
DEFAULT_SEED = 41  # Guofa [2013] 41


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    records: int
    instances: int  # of every story
    enterprises: int  # lawful invented ones; at least one a province
    projects: int
    other: int  # registered projects of other sectors
    malformed: int  # an agency
    real: int  # records of real plants
    strangers: int
    whole_course: bool = True

    @classmethod
    def of(cls, records: int) -> "Size":
        """A size that fits the number of records."""
        if records <= TINY_RECORDS:
            return cls(records, 1, 31, 33, 2, 2, 40, 24, whole_course=False)
        share = min(1.0, records / FULL_RECORDS)
        enterprises = max(31, round(360 * share))
        return cls(
            records,
            max(1, round(8 * share)),
            enterprises,
            max(enterprises + 2, round(660 * share)),
            max(2, round(12 * share)),
            max(2, round(20 * share)),
            round(3600 * share),
            round(records * 0.15),
        )


def generate(seed: int, size: Size) -> World:
    """Make the world; the same for the same seed and size, on any machine."""
    world = World(seed)
    world.enterprises, real = enterprises_and_projects()
    undertakings = recognise_real_projects(world, real)
    world.notices = notices(world.enterprises)
    registry = Registry(world)
    tell_stories(world, registry, size.instances)
    settle(world, registry, size.enterprises, size.projects, size.whole_course)
    other_sector(world, registry, size.other)
    real_course(world, undertakings, size.real)
    strangers(world, size.strangers)
    malformed_records(world, size.malformed)
    chance = world.chance("later-acts")
    while len(world.drafts) < size.records:
        world.drafts.append(later_act(chance, chance.one(world.lawful)))
    plan_invented_projects(world)
    return world
