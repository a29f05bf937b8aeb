"""The indices: their names, who may name which, and the one mapping that all of them share."""

from typing import Any, Final, Literal

from registry.viewers import Audience

# Raise it with every change of the mapping or of the documents, then run `threegates reindex`.
MAPPING_VERSION: Final = 2

Target = Literal[
    "projects",
    "enterprises",
    "publications",
    "records-public",
    "records-credit",
    "marked",
    "marked-credit",
    "suspected",
    "suspected-credit",
]
Kind = Literal["project", "enterprise", "record", "publication", "suspected"]

KINDS: Final[tuple[Kind, ...]] = ("project", "enterprise", "record", "publication", "suspected")
# The index of each kind's documents by the word in their field `audience`. A record with a gate mark stands in two: as
# everybody sees it and, with its marks, where only those search who may know of them.
TARGET_OF: Final[dict[tuple[Kind, str], Target]] = {
    ("project", "public"): "projects",
    ("enterprise", "public"): "enterprises",
    ("publication", "public"): "publications",
    ("record", "public"): "records-public",
    ("record", "credit"): "records-credit",
    ("record", "marked"): "marked",
    ("record", "marked-credit"): "marked-credit",
    ("suspected", "official"): "suspected",
    ("suspected", "official-credit"): "suspected-credit",
}
TARGETS: Final[tuple[Target, ...]] = tuple(TARGET_OF.values())
TARGETS_OF_KIND: Final[dict[Kind, tuple[Target, ...]]] = {
    kind: tuple(target for (of, _word), target in TARGET_OF.items() if of == kind) for kind in KINDS
}
AUDIENCE_WORD: Final[dict[Target, str]] = {target: word for (_kind, word), target in TARGET_OF.items()}

# Search rights are indices (docs/decisions/0003): what an audience may not see is not in what it searches.
_PUBLIC: Final[tuple[Target, ...]] = ("projects", "enterprises", "publications", "records-public")
TARGETS_OF_AUDIENCE: Final[dict[Audience, tuple[Target, ...]]] = {
    "public": _PUBLIC,
    "official": (*_PUBLIC, "marked", "suspected"),
    "bank": (*_PUBLIC, "records-credit", "marked", "marked-credit"),
    "finance": TARGETS,
}
# Of these an audience finds what is of its region, or its own bank's.
CREDIT_TARGETS: Final[frozenset[Target]] = frozenset({"records-credit", "marked-credit", "suspected-credit"})
KIND_OF_TARGET: Final[dict[Target, Kind]] = {
    target: kind for kind, targets in TARGETS_OF_KIND.items() for target in targets
}

# One token a Chinese character, and pairs of neighbours beside them: a phrase finds any part of a name with no
# Chinese analyser on the server (`index_phrases` is part of every Elasticsearch).
_NAME: Final = {"type": "text", "analyzer": "standard", "index_phrases": True}
_WORDS: Final = {"type": "text", "analyzer": "standard"}
_WORD: Final = {"type": "keyword", "ignore_above": 1000}
_SHOWN: Final = {"type": "keyword", "index": False, "doc_values": False}

FIELDS: Final[dict[str, dict[str, Any]]] = {
    "kind": _WORD,
    "audience": _WORD,  # AUDIENCE_WORD of its index: a second lock behind the choice of indices
    "id": {"type": "long"},
    "key": _WORD,  # kind:id, unique over all indices: the last word of every order
    "deleted": {"type": "boolean"},
    "title": _NAME,  # as registered
    "title_normal": _NAME,  # registry.names.normalise
    "title_exact": _WORD,
    "title_en": _WORDS,
    "names": _NAME,  # former, short, English and other names as registered
    "names_normal": _NAME,
    "names_exact": _WORD,
    "pinyin": {"type": "text", "analyzer": "whitespace", "index_phrases": True},
    "pinyin_joined": _WORD,
    "initials": _WORD,
    "owner": _NAME,
    "owner_normal": _NAME,
    "owner_id": {"type": "long"},
    "place": _NAME,
    "code": _SHOWN,
    "uscc": _SHOWN,
    "codes": _WORD,  # project codes and enterprise codes without hyphens
    "number": _NAME,
    "numbers": _WORD,
    "sector": _WORD,
    "region": _WORD,
    "province": _WORD,
    "stage": _WORD,
    "nature": _WORD,
    "lanes": _WORD,
    "agencies": _WORD,
    "records": {"type": "integer"},
    "projects": {"type": "integer"},
    "flagged": {"type": "boolean"},
    "flags": {"type": "integer"},
    "flagged_lanes": _WORD,
    "rules": _WORD,
    "act": _WORD,
    "acted_on": {"type": "date"},
    "outcome": _WORD,
    "authority": _WORD,
    "marks": _WORD,  # of acts without or against a gate check; only ever in the indices `marked`
    "publication_kind": _WORD,
    "publication_state": _WORD,
    "suspected_state": _WORD,
    "product": _NAME,  # the words of what is made, as people say them
    "products": _WORD,
    "project_ids": {"type": "long"},
    "enterprise_ids": {"type": "long"},
    "amount": _SHOWN,  # only ever in records-credit, and never searched
    "invented": {"type": "boolean"},
    "synthetic": {"type": "boolean"},
    "location": {"type": "geo_point"},
}


def alias(prefix: str, target: Target) -> str:
    """The name under which everybody searches and writes a target."""
    return f"{prefix}-{target}"


def concrete(prefix: str, target: Target, serial: int) -> str:
    """The name of one generation of a target's index: version of the mapping, then a serial number."""
    return f"{alias(prefix, target)}-v{MAPPING_VERSION}-{serial:06d}"


def generations(prefix: str, target: Target) -> str:
    """The pattern of all generations of a target, of this and of other mappings."""
    return f"{alias(prefix, target)}-v*"


def index_body(*, building: bool = False) -> dict[str, Any]:
    """What an index is created with; one that is being built refreshes and replicates only when it is done."""
    index: dict[str, Any] = {"number_of_shards": 1, "codec": "default", "mapping.total_fields.limit": 200}
    if building:
        index |= {"refresh_interval": "-1", "number_of_replicas": 0}
    else:
        index |= SERVING
    return {
        "settings": {"index": index},
        "mappings": {"dynamic": "strict", "_meta": {"version": MAPPING_VERSION}, "properties": FIELDS},
    }


# A fixed interval: left to itself, an index that nobody searched for 30 s shows changes only after the next search.
SERVING: Final[dict[str, Any]] = {"refresh_interval": "1s", "auto_expand_replicas": "0-1"}
