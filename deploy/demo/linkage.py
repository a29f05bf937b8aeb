"""What a linker needs to bring a record home: its code, a USCC, an exact name with region, or more than that."""

from collections import defaultdict

from stdnum.cn import uscc

from deploy.demo import regions
from deploy.demo.disguise import undone
from deploy.demo.world import Draft, Json, World

FORMER_OF = {before: code for code, (before, _, _) in regions.FORMER_CODES.items()}


def usable_code(fields: Json) -> bool:
    """Whether the record carries a project code or a valid USCC."""
    return bool(fields.get("project_code")) or uscc.is_valid(fields.get("party_uscc") or "")


def regions_match(one: str, other: str) -> bool:
    """Equal, one above the other, or successor of it."""
    first, second = FORMER_OF.get(one, one), FORMER_OF.get(other, other)
    return regions.contains(first, second) or regions.contains(second, first)


class Register:
    """The registered names and codes, as exact linking sees them."""

    def __init__(self, world: World) -> None:
        self.codes = {project["code"]: project for project in world.projects if project["code"]}
        self.usccs = {enterprise["uscc"]: enterprise for enterprise in world.enterprises}
        self.by_owner: dict[str, list[Json]] = defaultdict(list)
        self.by_project_name: dict[str, list[Json]] = defaultdict(list)
        self.by_name: dict[str, list[Json]] = defaultdict(list)
        for project in world.projects:
            self.by_owner[project["owner"]].append(project)
            self.by_project_name[undone(project["name"])].append(project)
        for enterprise in world.enterprises:
            for name in {undone(str(n)) for n in [enterprise["name"], *(n["name"] for n in enterprise["names"])]}:
                self.by_name[name].append(enterprise)

    def needs(self, draft: Draft) -> str:
        """code | uscc | name | fuzzy: the least that suffices. Of a record of nothing: what shows that it fits none."""
        fields = draft.fields
        if fields.get("project_code"):
            return "code"
        if not draft.projects:
            return "uscc" if uscc.is_valid(fields.get("party_uscc") or "") else "fuzzy"
        project_name = undone(fields.get("project_name") or "")
        owner = self.usccs.get(fields.get("party_uscc") or "")
        if owner is not None and self._one(owner, project_name, fields["region"]) == draft.projects[0]:
            return "uscc"
        named = [
            enterprise
            for enterprise in self.by_name.get(undone(fields.get("party_name") or ""), [])
            if regions_match(enterprise["region"], fields["region"])
        ]
        if len(named) == 1 and self._one(named[0], project_name, fields["region"]) == draft.projects[0]:
            return "name"
        return "fuzzy"

    def _one(self, owner: Json, project_name: str, region: str) -> str | None:
        """The owner's project of that name, or its only one."""
        owned = self.by_owner[owner["reference"]]
        if len(owned) > 1:
            owned = [project for project in owned if undone(project["name"]) == project_name]
        found = [project for project in owned if regions_match(project["region"], region)]
        return str(found[0]["reference"]) if len(found) == 1 else None
