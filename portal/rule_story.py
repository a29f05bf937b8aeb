"""The worked example of a rule as a small story: what happened on which day, and what the rule says of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from portal.language import _, current_language
from portal.units import day as day_words
from portal.units import quantity
from portal.words import reason_words, word
from registry.law.reading import law
from registry.rules.examples import Example
from registry.rules.reading import Rule
from registry.scenarios import Capacity, Equipment, Order, Plan, Project, Record, Scenario


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `reasons` are the rule's words where it flags this."""

    day: date
    text: str
    flagged: bool = False
    reasons: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Who and what, the steps in order of their days, and what was judged on which day."""

    people: list[str]
    steps: list[Step]
    judged: date
    undated: list[Step]  # what is flagged and has no day of its own


def tell(rule: Rule, example: Example) -> Story:
    """The story of an example in the current language."""
    world = example.world
    names = {one.uscc: one.name or one.uscc for one in world.enterprises or ()}
    codes = {one.code: one.name or one.code for one in world.projects or () if one.code is not None}
    steps = [*_project_steps(world), *_equipment_steps(world, names), *_duty_steps(world, names)]
    steps += [_record_step(one, names, codes) for one in world.records or ()]
    steps.sort(key=lambda one: one[1].day)
    # A plan or a furnace has several days: the last of them bears the verdict.
    last = {subject: number for number, (subject, _step) in enumerate(steps) if subject in example.flagged}
    told = [
        Step(step.day, step.text, True, reason_words(rule.id, list(example.flagged[subject])))
        if last.get(subject) == number
        else step
        for number, (subject, step) in enumerate(steps)
    ]
    undated = [
        Step(
            world.as_of, codes.get(subject) or names.get(subject) or subject, True, reason_words(rule.id, list(reasons))
        )
        for subject, reasons in example.flagged.items()
        if subject not in last
    ]
    return Story(list(_people(world, names)), told, world.as_of, undated)


def _people(world: Scenario, names: dict[str, str]) -> Iterator[str]:
    for project in world.projects or ():
        owner = names.get(project.owner or "", "")
        name = project.name or project.code or ""
        yield (
            _("{owner}的项目“{name}”（{sector}，{nature}）", owner=owner, name=name, **_kinds(project))
            if owner
            else _("项目“{name}”（{sector}，{nature}）", name=name, **_kinds(project))
        ) + (_("：") + _lines(project.capacities) if project.capacities else "")
    owners = {project.owner for project in world.projects or ()}
    for enterprise in world.enterprises or ():
        if enterprise.uscc not in owners:
            yield enterprise.name or enterprise.uscc


def _kinds(project: Project) -> dict[str, str]:
    return {
        "sector": word("sector", project.sector or "other"),
        "nature": word("nature", project.nature or "new_build"),
    }


def _lines(lines: list[Capacity] | None) -> str:
    return _("；").join(f"{word('product', one.product)} {quantity(one.amount, one.unit)}" for one in lines or ())


def _project_steps(world: Scenario) -> Iterator[tuple[str, Step]]:
    for project in world.projects or ():
        for one in project.approvals or ():
            kind = word("approval_kind", one.kind)
            until = _("，有效至{day}", day=day_words(one.expires)) if one.expires else ""
            yield one.id, Step(one.issued, _("取得{kind}", kind=kind) + until)
            if one.revoked:
                yield f"{one.id}:revoked", Step(one.revoked, _("{kind}被撤销", kind=kind))
        for disposition in project.dispositions or ():
            if disposition.decided:
                yield (
                    project.code or "",
                    Step(disposition.decided, _("处理决定：{kind}", kind=word("disposition", disposition.kind))),
                )
            if disposition.published:
                yield "", Step(disposition.published, _("处理结果公开"))
        for plan in project.replacement_plans or ():
            yield from _plan_steps(plan)


def _plan_steps(plan: Plan) -> Iterator[tuple[str, Step]]:
    units = _("；").join(
        f"{one.id} {word('product', one.product or '')} {quantity(one.amount, 't/a')}".strip()
        for one in plan.units or ()
    )
    about = _("产能置换方案{plan}", plan=plan.id)
    with_units = about + (_("（退出{units}）", units=units) if units else "")
    # The verdict stands where the plan takes effect: at its confirmation, else at its announcement.
    for happened, subject, text in (
        (plan.published, "", _("{plan}向社会公示", plan=about)),
        (plan.confirmed, plan.id, _("{plan}经确认", plan=with_units)),
        (plan.announced, "" if plan.confirmed else plan.id, _("{plan}公告", plan=about)),
        (plan.listed, "", _("{plan}的置换产能列入淘汰名单", plan=about)),
    ):
        if happened:
            yield subject, Step(happened, text)
    for unit in plan.units or ():
        if unit.retired:
            yield f"{plan.id}:{unit.id}", Step(unit.retired, _("{unit}退出", unit=unit.id))


def _equipment_steps(world: Scenario, names: dict[str, str]) -> Iterator[tuple[str, Step]]:
    for one in world.equipment or ():
        what = _equipment(one)
        for due in _deadlines(one):
            if due <= world.as_of and not (one.dismantled and one.dismantled <= due):
                yield one.id, Step(due, _("{what}的淘汰期限", what=what))
        owner = names.get(one.enterprise or "", "")
        about = _("{owner}的{what}", owner=owner, what=what) if owner else what
        for happened, subject, text in (
            (one.commissioned, one.id, _("{what}投产", what=about)),
            (one.last_ran, one.id, _("{what}仍在运行", what=about)),
            (one.dismantled, "", _("{what}拆除", what=about)),
        ):
            if happened:
                yield subject, Step(happened, text)


def _deadlines(one: Equipment) -> Iterator[date]:
    """The deadlines of the limits whose size covers a unit."""
    for limit in law().limits.values():
        value = limit.values[-1]
        if limit.class_ != one.class_ or value.deadline is None:
            continue
        if value.size is None or (
            one.size is not None
            and (one.size < value.size or (value.bound == "up_to" and one.size == value.size))
            and value.bound in ("below", "up_to")
        ):
            yield value.deadline


def _equipment(one: Equipment) -> str:
    limit = next((limit for limit in law().limits.values() if limit.class_ == one.class_), None)
    chinese = current_language() == "zh"
    name = (limit.title_zh if chinese else limit.title_en) if limit else word("equipment", one.class_ or "")
    size = f" {one.size:f} {one.unit or (limit.unit if limit else '')}".rstrip() if one.size is not None else ""
    return f"{name}{size}（{one.id}）" if chinese else f"{name}{size} ({one.id})"


def _duty_steps(world: Scenario, names: dict[str, str]) -> Iterator[tuple[str, Step]]:
    for one in world.eliminations or ():
        who = names.get(one.enterprise or "", "") or one.equipment or ""
        if one.deadline:
            yield "", Step(one.deadline, _("{who}淘汰任务的期限届满", who=who))
        if one.cured:
            yield "", Step(one.cured, _("{who}补做完成淘汰任务", who=who))
    for restriction in world.restrictions or ():
        if restriction.from_:
            until = _("，至{day}", day=day_words(restriction.until)) if restriction.until else ""
            yield "", Step(restriction.from_, _("地区{region}实行区域限批", region=restriction.region) + until)
    for order in world.orders or ():
        yield from _order_steps(order, names)
    for plan in world.rectifications or ():
        about = _("整顿方案{plan}", plan=plan.id)
        for happened, subject, text in (
            (plan.decided, plan.id, _("提出{plan}", plan=about)),
            (plan.published, "", _("{plan}向社会公示", plan=about)),
            (plan.filed, "", _("{plan}报有关部门备案", plan=about)),
        ):
            if happened:
                yield subject, Step(happened, text)


def _order_steps(order: Order, names: dict[str, str]) -> Iterator[tuple[str, Step]]:
    who = names.get(order.enterprise, order.enterprise)
    closing = order.kind == "close"
    for happened, subject, text in (
        (order.ordered, "", _("{who}被责令关闭", who=who) if closing else _("{who}因污染被责令停产", who=who)),
        (order.due, order.id, _("{who}办理注销登记的期限届满", who=who)),
        (order.last_ran, order.id, _("{who}仍在生产", who=who)),
        (order.ended, "", _("{who}注销登记", who=who) if closing else _("{who}的停产决定解除", who=who)),
    ):
        if happened:
            yield subject, Step(happened, text)


def _record_step(one: Record, names: dict[str, str], codes: dict[str, str]) -> tuple[str, Step]:
    party = names.get(one.party or "", "") or one.party_name or ""
    project = codes.get(one.project_code or "", "") or one.project_name or one.project_code or ""
    text = word("act", one.act)
    if one.kind:
        text += _("（{kind}）", kind=word("record_kind", one.kind))
    if project:
        text = _("{act}，对象：{project}", act=text, project=project)
    if party and party not in text:
        text = _("{act}，当事企业：{party}", act=text, party=party)
    return one.id, Step(one.on, text)
