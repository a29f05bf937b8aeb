"""What a publication is called, in both languages, from its facts alone."""

from typing import Any, Final

from registry.names import normalise, pinyin

_DECISIONS: Final = {
    "forbid_start": ("不得开工", "may not start"),
    "halt": ("停建", "construction halted"),
    "recognise": ("予以认定", "recognised"),
    "not_recognise": ("不予认定", "not recognised"),
    "concealed": ("查实隐瞒不报", "found concealed"),
}


def titles(kind: str, content: dict[str, Any]) -> tuple[str, str]:
    """The Chinese and the English title of a version's content."""
    facts = content.get("facts", {})
    who = facts.get("enterprise_name") or ""
    project = facts.get("project_name") or ""
    about = f"{who}“{project}”" if project else who
    about_en = f"{who}, {project}" if who and project else who or project
    if kind == "disposition":
        zh, en = _DECISIONS.get(facts.get("decision", ""), ("", ""))
        return f"关于{about}的处理结果：{zh}", f"Decision on {about_en}: {en}"
    if kind == "rectification":
        return f"{about or '本地区建成违规产能'}整顿方案", f"Rectification plan: {about_en or 'capacity of the region'}"
    if kind == "replacement_plan":
        return f"{about}产能置换方案", f"Replacement plan: {about_en}"
    if kind == "elimination_list":
        number = facts.get("number", "")
        return f"淘汰落后产能名单（{number}）", f"List of capacity to be eliminated ({number})"
    return f"{facts.get('year', '')}年处理情况统计", f"Statistics of {facts.get('year', '')}"


def searchable(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """What a version is found by, as its columns: titles, the Chinese one's normal form and reading, names in it."""
    zh, en = titles(kind, content)
    facts = content.get("facts", {})
    told = [facts.get("project_name"), facts.get("enterprise_name")]
    told += [line.get("enterprise_name") for line in content.get("lines", [])]
    names = list(dict.fromkeys(name for name in told if name))
    return {
        "title_zh": zh,
        "title_en": en,
        "title_normal": normalise(zh).text,
        "title_pinyin": pinyin(zh),
        "names": names,
        "names_normal": list(dict.fromkeys(normalise(name).text for name in names)),
    }
