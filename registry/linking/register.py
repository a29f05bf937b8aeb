"""All registered projects and every name their owners bear, as arrays; and the projects that a record may mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from registry.linking.facts import NOTHING, Facts
from registry.linking.likeness import Ints, Names
from registry.linking.name_parts import ProjectParts, bare_title, company_parts, hash_of, project_parts
from registry.linking.places import cities, nearness, region_in, region_number

# How many names and projects are looked up for a record, and how many of them are weighed closely.
_BY_NAME: Final = 10
_BY_OWNER: Final = 10
_OWNED: Final = 60
_WEIGHED: Final = 8


@dataclass(frozen=True, slots=True)
class Project:
    """A registered project; name and address are normal forms."""

    id: int
    name: str
    owner_id: int  # 0 where it is unknown
    region: str
    address: str = ""
    sector: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """An enterprise that owns projects; names are normal forms, its branches' and head office's among them."""

    id: int
    names: tuple[str, ...]
    uscc: str = ""
    related: tuple[str, ...] = ()  # of its parents and owners


@dataclass(frozen=True, slots=True)
class Asked:
    """A record whose project is looked for; names are normal forms, '' where the record states none."""

    id: int
    party: str
    project: str
    region: str
    uscc: str = ""
    address: str = ""
    sector: str = ""
    enterprise_id: int = 0  # the enterprise that bears exactly the party's name or number; 0 where none or several do
    facts: Facts = NOTHING


def masks(texts: Sequence[str]) -> NDArray[np.int64]:
    """What projects' names say of phases, numbers and amounts: rows of six masks."""
    told = [project_parts(one) for one in texts]
    rows = [(*one.phases, *one.numbers, *one.amounts) for one in told]
    return np.array(rows, np.int64).reshape(len(rows), 6)


def _regions(codes: Iterable[str], texts: Iterable[Sequence[str]]) -> Ints:
    """Regions as numbers; where a code is lacking, the first of the texts that names a region."""
    made = []
    for code, told in zip(codes, texts, strict=True):
        number = region_number(code)
        for text in told if not number else ():
            number = region_number(region_in(text)) if text else 0
            if number:
                break
        made.append(number)
    return np.array(made, np.int64)


def regions_of(records: Sequence[Asked]) -> Ints:
    """Where the records' acts took place; companies bear the names of places they are not in."""
    return _regions((one.region for one in records), ((one.address,) for one in records))


@dataclass
class Register:
    """Projects and owners by position; what is changed comes anew behind and the old is dead."""

    projects: list[Project] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)

    def __post_init__(self) -> None:
        projects, owners = self.projects, self.owners
        self.projects, self.owners = [], []
        self.position: dict[int, int] = {}
        self.owner_position: dict[int, int] = {}
        self.alive = np.empty(0, bool)
        self.regions = np.empty(0, np.int64)
        self.masks = np.empty((0, 6), np.int64)
        self.words: list[str] = []
        self.works: list[str] = []
        self.core_counts: dict[str, int] = {}
        self.aliases: list[str] = []
        self.alias_owner = np.empty(0, np.int64)
        self.alias_related = np.empty(0, bool)
        self.alias_alive = np.empty(0, bool)
        self.alias_known: dict[str, set[int]] = {}
        self.alias_city = np.empty(0, np.int64)
        self.names: Names | None = None
        self.owner_names: Names | None = None
        self.put(projects, owners)

    def put(self, projects: Sequence[Project], owners: Sequence[Owner], gone: Iterable[int] = ()) -> None:
        """Add projects and owners, in place of those of the same ids; `gone` are ids of projects that are no more."""
        for one in gone:
            at = self.position.pop(one, None)
            if at is not None:
                self.alive[at] = False
        self._put_owners(owners)
        if projects:
            self._put_projects(projects)
        self._order()
        # An owner's city is where its projects lie; names come after that is known.
        if owners:
            self._name_owners(owners)

    def _put_owners(self, owners: Sequence[Owner]) -> None:
        for owner in owners:
            at = self.owner_position.get(owner.id)
            if at is None:
                self.owner_position[owner.id] = len(self.owners)
                self.owners.append(owner)
            else:
                self.owners[at] = owner

    def _put_projects(self, projects: Sequence[Project]) -> None:
        for at, project in enumerate(projects, start=len(self.projects)):
            before = self.position.get(project.id)
            if before is not None:
                self.alive[before] = False
            self.position[project.id] = at
        self.projects.extend(projects)
        regions = _regions((one.region for one in projects), ((one.address,) for one in projects))
        self.regions = np.concatenate([self.regions, regions])
        self.alive = np.concatenate([self.alive, np.ones(len(projects), bool)])
        self.masks = np.concatenate([self.masks, masks([one.name for one in projects])])
        for project in projects:
            own = self._own(project)
            self.words.append(own.words)
            self.works.append(own.works)
        texts, city = [one.name for one in projects], cities(regions)
        if self.names is None:
            self.names = Names(texts, city)
        else:
            self.names.add(texts, city)

    def _own(self, project: Project) -> ProjectParts:
        """What a project's name says without its owner's name."""
        name, at = project.name, self.owner_position.get(project.owner_id)
        for one in sorted(self.owners[at].names, key=len, reverse=True) if at is not None else ():
            parts = company_parts(one)
            for start in (one, parts.stem, parts.stem.removeprefix(parts.place), parts.place + parts.core):
                if len(start) >= 2 and name.startswith(start):
                    return project_parts(name[len(start) :])
        return project_parts(name)

    def _order(self) -> None:
        """Which projects each owner has, as one array in the owners' order."""
        owners = [self.owner_position.get(one.owner_id, -1) for one in self.projects]
        self.project_owner = np.array(owners, np.int64)
        living = np.flatnonzero(self.alive & (self.project_owner >= 0))
        self.owned = living[np.argsort(self.project_owner[living], kind="stable")]
        self.owned_start = np.searchsorted(self.project_owner[self.owned], np.arange(len(self.owners) + 1))

    def _name_owners(self, owners: Sequence[Owner]) -> None:
        replaced = np.array([self.owner_position[one.id] for one in owners], np.int64)
        if len(self.aliases):
            again = self.alias_alive & np.isin(self.alias_owner, replaced)
            for at in np.flatnonzero(again).tolist():
                self.alias_known.get(self.aliases[at], set()).discard(int(self.alias_owner[at]))
            self.alias_alive[again] = False
        texts, bearers, related = [], [], []
        for owner, at in zip(owners, replaced.tolist(), strict=True):
            for name in dict.fromkeys((*owner.names, *owner.related)):
                if name:
                    texts.append(name)
                    bearers.append(at)
                    related.append(name not in owner.names)
                    if name in owner.names:
                        self.alias_known.setdefault(name, set()).add(at)
            for core in {company_parts(name).core for name in owner.names}:
                self.core_counts[core] = self.core_counts.get(core, 0) + 1
        first = np.zeros(len(self.owners), np.int64)
        held = self.owned_start[1:] > self.owned_start[:-1]
        first[held] = self.regions[self.owned[self.owned_start[:-1][held]]]
        self.aliases.extend(texts)
        bearing = np.array(bearers, np.int64)
        self.alias_owner = np.concatenate([self.alias_owner, bearing])
        self.alias_related = np.concatenate([self.alias_related, np.array(related, bool)])
        self.alias_alive = np.concatenate([self.alias_alive, np.ones(len(texts), bool)])
        city = cities(first[bearing])
        # Legal forms are alike everywhere and lead nowhere.
        stems = [company_parts(one).stem for one in texts]
        if self.owner_names is None:
            self.owner_names = Names(stems, city)
        else:
            self.owner_names.add(stems, city)
        order = np.flatnonzero(self.alias_alive)
        self.borne = order[np.argsort(self.alias_owner[order], kind="stable")]
        self.borne_start = np.searchsorted(self.alias_owner[self.borne], np.arange(len(self.owners) + 1))


@dataclass(frozen=True)
class Found:
    """Pairs of a record's line and a project's position, in order of the lines; how alike the names are."""

    lines: Ints
    positions: Ints
    project_cosine: NDArray[np.float32]
    owner_cosine: NDArray[np.float32]
    regions: Ints  # of the records, by line
    masks: NDArray[np.int64]  # and what the records' names say of phases, numbers and amounts


def spread(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """For ranges [start, end): which range, and which number within it, one after another."""
    sizes = ends - starts
    which = np.repeat(np.arange(len(sizes)), sizes)
    offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return which, starts[which] + offset


def dict_of(lines: Ints, owners: Ints, values: NDArray[np.float32]) -> tuple[Ints, NDArray[np.float32]]:
    """The best value of each (line, owner), to look up in."""
    keys = lines << 32 | owners
    order = np.lexsort((-values, keys))
    keys, values = keys[order], values[order]
    first = np.r_[True, keys[1:] != keys[:-1]] if len(keys) else np.empty(0, bool)
    return keys[first], values[first]


def looked_up(held: tuple[Ints, NDArray[np.float32]], lines: Ints, owners: Ints) -> NDArray[np.float32]:
    """The value of each (line, owner); 0 where there is none."""
    keys, values = held
    if not len(keys):
        return np.zeros(len(lines), np.float32)
    asked = lines << 32 | np.maximum(owners, 0)
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where((keys[at] == asked) & (owners >= 0), values[at], 0).astype(np.float32)


def _company(record: Asked) -> str:
    return company_parts(record.party).stem if record.party else bare_title(record.project)


def _owned(register: Register, records: Sequence[Asked]) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """The projects of the enterprises that records name by number."""
    owners = np.array([register.owner_position.get(one.enterprise_id, -1) for one in records], np.int64)
    lines = np.flatnonzero(owners >= 0)
    starts, ends = register.owned_start[owners[lines]], register.owned_start[owners[lines] + 1]
    which, at = spread(starts, np.minimum(ends, starts + _OWNED))
    return lines[which], register.owned[at], np.ones(len(which), np.float32)


def find(register: Register, records: Sequence[Asked]) -> Found:
    """The projects that each record may mean, the likeliest few of each."""
    names, owner_names = register.names, register.owner_names
    regions, said = regions_of(records), masks([one.project for one in records])
    empty = np.empty(0, np.int64)
    if names is None or not len(names) or not records:
        return Found(empty, empty, np.empty(0, np.float32), np.empty(0, np.float32), regions, said)
    city = cities(regions)
    projects = names.asked([bare_title(one.project) for one in records], city)
    lines, positions = names.like(projects, _BY_NAME)
    pairs = [(lines, positions, np.zeros(len(lines), np.float32))]
    likest: tuple[Ints, NDArray[np.float32]] | None = None
    if owner_names is not None and len(owner_names):
        # A record without a party often names it in the project's name.
        parties = owner_names.asked([_company(one) for one in records], city)
        lines, aliases = owner_names.like(parties, _BY_OWNER)
        living = register.alias_alive[aliases]
        lines, aliases = lines[living], aliases[living]
        alike = owner_names.cosines(parties, lines, aliases)
        owners = register.alias_owner[aliases]
        starts, ends = register.owned_start[owners], register.owned_start[owners + 1]
        # Of a company with hundreds of projects those come in whose own names are alike, and no more than some others.
        which, at = spread(starts, np.minimum(ends, starts + _OWNED))
        likest = dict_of(lines, owners, alike)
        pairs.append((lines[which], register.owned[at], alike[which]))
    pairs.append(_owned(register, records))
    lines = np.concatenate([one for one, _, _ in pairs])
    positions = np.concatenate([one for _, one, _ in pairs])
    alike = np.concatenate([one for _, _, one in pairs])
    # One row a pair, with the owner's best likeness.
    keys = lines * len(register.projects) + positions
    order = np.lexsort((-alike, keys))
    keys, lines, positions, alike = keys[order], lines[order], positions[order], alike[order]
    first = np.r_[True, keys[1:] != keys[:-1]] if len(keys) else np.empty(0, bool)
    kept = first & register.alive[positions]
    lines, positions, alike = lines[kept], positions[kept], alike[kept]
    if likest is not None:
        alike = np.maximum(alike, looked_up(likest, lines, register.project_owner[positions]))
    titled = names.cosines(projects, lines, positions)
    near = np.nan_to_num(nearness(regions[lines], register.regions[positions]), nan=1.0)
    promise = alike + titled + 0.15 * near
    order = np.lexsort((-promise, lines))
    lines, positions, alike, titled = lines[order], positions[order], alike[order], titled[order]
    starts = np.searchsorted(lines, np.arange(len(records)))
    rank = np.arange(len(lines)) - starts[lines] if len(lines) else empty
    promise = promise[order]
    best = (rank < 3) | (rank < _WEIGHED) & (promise > promise[starts[lines]] - 0.5) if len(lines) else rank < 0
    return Found(lines[best], positions[best], titled[best], alike[best], regions, said)


def sector_number(sector: str) -> int:
    """A sector as a number; 0 where it is unknown."""
    return hash_of(sector) & 0xFFFFFFF or 1 if sector else 0
