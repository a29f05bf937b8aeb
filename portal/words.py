"""The words of codes: what a sector, stage, act, rule, reason or unit is called, in tables; shown through `word`."""

from typing import TYPE_CHECKING, Final

from portal.language import N_, _, current_language
from portal.review_words import SUSPECT_STATES

if TYPE_CHECKING:
    from registry.rules.reading import Rule

SECTORS: Final = {
    "steel": N_("钢铁"),
    "cement": N_("水泥"),
    "aluminium": N_("电解铝"),
    "glass": N_("平板玻璃"),
    "ships": N_("船舶"),
    "other": N_("其他行业"),
}
STAGES: Final = {
    "announced": N_("拟建"),
    "construction": N_("在建"),
    "operating": N_("在产"),
    "pre_retirement": N_("在产（已列入退出）"),
    "mothballed": N_("停产封存"),
    "retired": N_("已退出"),
    "cancelled": N_("已取消"),
}
NATURES: Final = {
    "new_build": N_("新建"),
    "expansion": N_("扩建"),
    "renovation": N_("技术改造"),
    "relocation": N_("搬迁"),
}
LANES: Final = {
    "land": N_("土地"),
    "environment": N_("环境与能耗"),
    "credit": N_("信贷"),
    "quality": N_("质量与安全"),
    "price": N_("价格"),
    "approval": N_("项目审批"),
    "replacement": N_("产能置换"),
    "elimination": N_("淘汰落后产能"),
}
GATES: Final = {"land": N_("土地关口"), "environment": N_("环保门槛"), "credit": N_("信贷闸门")}
GATE_STATES: Final = {"forced": N_("被突破"), "open": N_("可放行"), "shut": N_("关闭"), "unknown": N_("未判定")}
ACTS: Final = {
    "land_grant": N_("供地"),
    "land_pre_review": N_("用地预审"),
    "sea_area_grant": N_("海域使用权出让"),
    "shoreline_grant": N_("岸线使用批准"),
    "eia_approval": N_("环境影响评价批复"),
    "energy_assessment": N_("节能评估审查"),
    "discharge_permit": N_("排污许可证"),
    "production_licence": N_("生产许可证"),
    "safety_permit": N_("安全生产许可证"),
    "loan": N_("贷款"),
    "disbursement": N_("放款"),
    "bond": N_("债券"),
    "listing": N_("上市融资"),
    "power_price": N_("电价"),
    "water_price": N_("水价"),
    "approval": N_("项目批准文件"),
    # what is judged and is no act of an agency
    "equipment": N_("设备"),
    "plan": N_("产能置换方案"),
    "disposition": N_("处理决定"),
    "rectification": N_("整顿方案"),
    "closure_order": N_("责令关闭"),
    "stop_order": N_("责令停产"),
}
APPROVAL_KINDS: Final = {"approval": N_("审批"), "verification": N_("核准"), "filing": N_("备案")}
BASES: Final = {"text": N_("条文明载"), "derived": N_("由条文推导")}
SEVERITIES: Final = {"violation": N_("疑似违规"), "warning": N_("提示")}
FINDING_STATES: Final = {"open": N_("未了结"), "closed": N_("已了结")}
FINDING_DECISIONS: Final = {
    "awaiting": N_("待认定"),
    "confirmed": N_("认定属实"),
    "dismissed": N_("认定不成立"),
    "not_ours": N_("不属本机关职责"),
}
PROPOSAL_STATES: Final = {
    "open": N_("待批准"),
    "approved": N_("已批准"),
    "refused": N_("未予批准"),
    "withdrawn": N_("已撤回"),
}
OBLIGATION_STATES: Final = {"open": N_("待办"), "late": N_("逾期"), "done": N_("已办结"), "lapsed": N_("已终止")}
CLOSED_REASONS: Final = {
    "record-corrected": N_("部门记录已更正"),
    "link-changed": N_("记录与项目的关联已改变"),
    "approval-changed": N_("批准文件已改变"),
    "formality-changed": N_("手续已改变"),
    "owner-changed": N_("建设单位已改变"),
    "project-corrected": N_("项目已更正"),
    "subject-corrected": N_("判定的对象已更正"),
    "disposition-changed": N_("处理决定已改变"),
    "plan-changed": N_("置换方案已改变"),
    "equipment-changed": N_("设备情况已改变"),
    "elimination-changed": N_("淘汰任务已改变"),
    "restriction-changed": N_("区域限批已改变"),
    "rule-removed": N_("规则已撤销"),
    "rule-changed": N_("规则或其参数已改变"),
    "record-no-longer-judged": N_("记录不再参与判定"),
    "no-longer-flagged": N_("不再符合规则"),
}
LINK_METHODS: Final = {
    "project_code": N_("项目代码"),
    "uscc": N_("统一社会信用代码"),
    "uscc_region": N_("统一社会信用代码与地区"),
    "name_region": N_("企业名称与地区"),
    "name": N_("企业名称"),
    "project_name": N_("项目名称"),
    "no_fitting_project": N_("所属企业没有相符的项目"),
    "unknown_party": N_("登记簿中没有这家企业"),
    "unregistered_uscc": N_("统一社会信用代码未登记"),
    "likeness": N_("名称与内容相似"),
    "likely_match": N_("有相似项目，待人工核查"),
    "rejected": N_("核查人员已否定"),
    "no_likely_project": N_("没有相似的项目"),
    "review": N_("人工核查"),
    "several_enterprises": N_("有几家同名企业"),
    "several_projects": N_("有几个相符的项目"),
    "contradicting_uscc": N_("名称与统一社会信用代码矛盾"),
    "no_exact_match": N_("没有完全相符的项目"),
    "unregistered_code": N_("项目代码未登记"),
    "no_project_in_place": N_("当地没有该行业的登记项目"),
}
RECORD_KINDS: Final = {
    "granted": N_("出让"),
    "allocated": N_("划拨"),
    "agreement": N_("协议出让"),
    "auction": N_("拍卖出让"),
    "tender": N_("招标出让"),
    "listing": N_("挂牌"),
    "lease": N_("租赁"),
    "contribution": N_("作价出资"),
    "report": N_("报告书"),
    "form": N_("报告表"),
    "registration": N_("登记表"),
    "production_licence": N_("生产许可证"),
    "safety_permit": N_("安全生产许可证"),
    "construction": N_("固定资产投资"),
    "working_capital": N_("流动资金"),
    "merger": N_("并购"),
    "refinancing": N_("再融资"),
    **APPROVAL_KINDS,
}
LINK_OUTCOMES: Final = {"linked": N_("已关联"), "unlinked": N_("未定"), "none": N_("没有相符的项目")}
PRODUCTS: Final = {
    "crude_steel": N_("粗钢"),
    "pig_iron": N_("生铁"),
    "sponge_iron": N_("直接还原铁"),
    "iron": N_("铁"),
    "steel": N_("钢"),
    "rolled_steel": N_("钢材"),
    "clinker": N_("水泥熟料"),
    "cement": N_("水泥"),
    "aluminium": N_("电解铝"),
    "flat_glass": N_("平板玻璃"),
    "ships": N_("船舶"),
}
PROCESSES: Final = {
    "bof": N_("转炉"),
    "BOF": N_("转炉"),
    "eaf": N_("电弧炉"),
    "EAF": N_("电弧炉"),
    "bf": N_("高炉"),
    "BF": N_("高炉"),
    "dri": N_("直接还原"),
    "DRI": N_("直接还原"),
    "ohf": N_("平炉"),
    "OHF": N_("平炉"),
    "pre-baked pots": N_("预焙槽"),
    "other": N_("其他工艺"),
    "unspecified": N_("工艺未明"),
}
EQUIPMENT: Final = {
    "blast_furnace": N_("高炉"),
    "iron_blast_furnace": N_("炼铁高炉"),
    "converter": N_("转炉"),
    "steel_converter": N_("炼钢转炉"),
    "electric_furnace": N_("电炉"),
    "steel_electric_furnace": N_("炼钢电炉"),
    "arc_furnace": N_("电弧炉"),
    "sintering_machine": N_("烧结机"),
    "coke_oven": N_("焦炉"),
    "rotary_kiln": N_("回转窑"),
    "cement_kiln": N_("水泥窑"),
    "shaft_kiln": N_("立窑"),
    "cement_mill": N_("水泥磨"),
    "prebaked_pot": N_("预焙槽"),
    "pot_line": N_("电解槽系列"),
    "float_line": N_("浮法玻璃线"),
    "glass_line": N_("玻璃生产线"),
    "slipway": N_("船台"),
    "dock": N_("船坞"),
}
DISPOSITIONS: Final = {
    "forbid_start": N_("不得开工"),
    "halt": N_("停建"),
    "recognise": N_("予以认定"),
    "not_recognise": N_("不予认定"),
    "concealed": N_("查实隐瞒不报"),
}
# Words that stand as values of parameters of the law
LAW_WORDS: Final = {
    "equal": N_("等量或减量置换"),
    "reduced": N_("减量置换"),
    "published": N_("公示"),
    "filed": N_("备案"),
    "listed": N_("列入淘汰名单"),
    "close": N_("责令关闭"),
    "stop": N_("责令停产"),
    "class": N_("文件规定的期限"),
    "list": N_("淘汰名单的期限"),
    "below": N_("以下（不含）"),
    "up_to": N_("及以下（含）"),
    "above": N_("超过（不含）"),
    "every": N_("全部"),
}
NOTICE_KINDS: Final = {
    "capacity_replacement": N_("产能置换公告"),
    "closure": N_("淘汰落后产能名单"),
    "aluminium_quota": N_("电解铝产能指标"),
    "reported_violation": N_("媒体或通报中的违规"),
    "control_total": N_("淘汰任务总量"),
}
PUBLICATION_KINDS: Final = {
    "disposition": N_("违规项目处理结果"),
    "rectification": N_("建成违规产能整顿方案"),
    "replacement_plan": N_("产能置换方案公示"),
    "elimination_list": N_("淘汰落后产能任务名单"),
    "statistics": N_("处理情况统计"),
}
PUBLICATION_ORIGINS: Final = {"register": N_("本登记簿公布"), "reported": N_("转载的公告与报道")}
# What the list shows; the states of versions on their way are for officials.
PUBLICATION_STATES: Final = {
    "displayed": N_("公示中"),
    "published": N_("已公告"),
    "withdrawn": N_("已撤回"),
    "reported": N_("转载"),
}
VERSION_STATES: Final = {
    **PUBLICATION_STATES,
    "draft": N_("草稿"),
    "submitted": N_("待批准"),
    "superseded": N_("已更正"),
    "refused": N_("未予批准"),
    "dropped": N_("已放弃"),
}
CHAIN_EVENTS: Final = {
    "displayed": N_("开始公示"),
    "published": N_("公告"),
    "corrected": N_("更正"),
    "withdrawn": N_("撤回"),
    "reply": N_("登载当事企业的答复"),
    "answer": N_("答复异议或申诉"),
    "appeal": N_("收到申诉"),
}
LETTER_STATES: Final = {
    "open": N_("待答复"),
    "upheld": N_("成立"),
    "rejected": N_("不成立"),
    "confirmed": N_("已登载"),
    "refused": N_("不完整，未登载"),
}
LETTER_SENDERS: Final = {"enterprise": N_("当事企业"), "public": N_("公众"), "agency": N_("其他机关")}
NOTICE_ROLES: Final = {
    "build": N_("拟建设"),
    "exit": N_("拟退出"),
    "seller": N_("出让方"),
    "buyer": N_("受让方"),
    "named": N_("被提及"),
}
NAME_KINDS: Final = {
    "registered": N_("登记名称"),
    "former": N_("曾用名"),
    "short": N_("简称"),
    "english": N_("英文名称"),
    "other": N_("其他名称"),
}
OWNER_KINDS: Final = {"owner": N_("股东"), "parent": N_("母公司"), "branch_of": N_("总公司")}
RUN_STATES: Final = {
    "queued": N_("排队"),
    "running": N_("进行中"),
    "done": N_("完成"),
    "held": N_("暂扣，待人工确认"),
    "failed": N_("失败"),
    "released": N_("已放行"),
}
KINDS_FOUND: Final = {
    "project": N_("项目"),
    "record": N_("部门记录"),
    "enterprise": N_("企业"),
    "publication": N_("公示与公告"),
    "suspected": N_("疑似项目"),
}
FLAGGED: Final = {"yes": N_("有疑点"), "no": N_("无疑点")}
# The 34 provinces of GB/T 2260 by their first two digits
PROVINCES: Final = {
    "11": N_("北京市"),
    "12": N_("天津市"),
    "13": N_("河北省"),
    "14": N_("山西省"),
    "15": N_("内蒙古自治区"),
    "21": N_("辽宁省"),
    "22": N_("吉林省"),
    "23": N_("黑龙江省"),
    "31": N_("上海市"),
    "32": N_("江苏省"),
    "33": N_("浙江省"),
    "34": N_("安徽省"),
    "35": N_("福建省"),
    "36": N_("江西省"),
    "37": N_("山东省"),
    "41": N_("河南省"),
    "42": N_("湖北省"),
    "43": N_("湖南省"),
    "44": N_("广东省"),
    "45": N_("广西壮族自治区"),
    "46": N_("海南省"),
    "50": N_("重庆市"),
    "51": N_("四川省"),
    "52": N_("贵州省"),
    "53": N_("云南省"),
    "54": N_("西藏自治区"),
    "61": N_("陕西省"),
    "62": N_("甘肃省"),
    "63": N_("青海省"),
    "64": N_("宁夏回族自治区"),
    "65": N_("新疆维吾尔自治区"),
    "71": N_("台湾省"),
    "81": N_("香港特别行政区"),
    "82": N_("澳门特别行政区"),
}
FIELDS: Final = {
    "code": N_("项目代码"),
    "name": N_("项目名称"),
    "name_en": N_("英文名称"),
    "owner": N_("项目单位"),
    "owner_id": N_("项目单位"),
    "sector": N_("行业"),
    "industry": N_("国民经济行业代码"),
    "industry_edition": N_("行业分类版本"),
    "region": N_("所在地区"),
    "address": N_("地址"),
    "site": N_("厂址"),
    "site_name": N_("厂址"),
    "site_reference": N_("厂址编号"),
    "longitude": N_("经度"),
    "latitude": N_("纬度"),
    "nature": N_("建设性质"),
    "asks_land": N_("是否新增用地"),
    "stage": N_("阶段"),
    "held_from": N_("起始日期"),
    "held_to": N_("终止日期"),
    "kind": N_("类别"),
    "number": N_("文号"),
    "authority": N_("机关"),
    "issued": N_("批准日期"),
    "expires": N_("有效期至"),
    "revoked": N_("撤销日期"),
    "revoked_reason": N_("撤销原因"),
    "capacities": N_("批准产能"),
    "product": N_("产品"),
    "process": N_("工艺"),
    "amount": N_("数量"),
    "unit": N_("单位"),
    "equipment_class": N_("设备类别"),
    "size": N_("规格"),
    "commissioned": N_("投产日期"),
    "dismantled": N_("拆除日期"),
    "last_ran": N_("最后运行日期"),
    "traits": N_("特征"),
    "equipment": N_("设备"),
    "reference": N_("登记号"),
    "act": N_("行为"),
    "acted_on": N_("行为日期"),
    "project_code": N_("项目代码"),
    "project_name": N_("项目名称"),
    "party_name": N_("当事企业"),
    "party_uscc": N_("统一社会信用代码"),
    "area_hectares": N_("面积"),
    "months": N_("期限"),
    "stated_capacity": N_("所载产能"),
    "source_modified": N_("部门修改时间"),
    "source_key": N_("部门记录号"),
    "details": N_("其他内容"),
    "approvals": N_("批准文件"),
    "uscc": N_("统一社会信用代码"),
    "synthetic_fields": N_("合成的字段"),
    "record": N_("部门记录"),
    "project": N_("项目"),
    "link": N_("关联"),
    "owners": N_("历任项目单位"),
    "formalities": N_("已有手续"),
    "confidential": N_("不公开的内容"),
    "prices": N_("价格"),
    "price": N_("执行价格"),
    "base_price": N_("标准价格"),
    "benchmark_price": N_("基准价格"),
    "subsidy": N_("补贴"),
    "kwh_per_tonne": N_("吨产品电耗（千瓦时）"),
    "meets_norm": N_("达到规范或能耗标准"),
    "duty_holder_on_day": N_("行为当日的责任机关"),
    "also": N_("还涉及"),
    "method": N_("关联依据"),
    "outcome": N_("关联结果"),
    "shown_sector": N_("记录显示的行业"),
    "feed": N_("来自"),
    "since": N_("起始日期"),
    "until": N_("终止日期"),
    "same_region": N_("地区相同"),
    "party_is_owner": N_("当事企业即项目单位"),
    "name_borne_on_the_day": N_("当日使用此名称"),
    "use": N_("用途"),
    "source_of_land": N_("土地来源"),
    "grade": N_("土地级别"),
    "agreed_delivery": N_("约定交地日期"),
    "agreed_start": N_("约定开工日期"),
    "agreed_completion": N_("约定竣工日期"),
    "real_property_unit": N_("不动产单元号"),
    "shoreline_metres": N_("岸线长度（米）"),
    "annual_energy_tce": N_("年综合能耗（吨标准煤）"),
    "purpose": N_("用途"),
    "currency": N_("币种"),
    "instrument": N_("融资方式"),
    "used_amount": N_("已用金额"),
    "five_class": N_("五级分类"),
    "contract": N_("合同"),
    "demonstration": N_("演示"),
    "reason": N_("理由"),
    "actor": N_("经办人"),
    "file": N_("文件"),
    "owner_reference": N_("项目单位登记号"),
    "subject": N_("判定对象"),
    "limits": N_("淘汰规定"),
    "limit": N_("规定编号"),
    "bound": N_("界限"),
    "deadline": N_("期限"),
    "plans": N_("产能置换方案"),
    "units": N_("退出的装置"),
    "retired": N_("退出日期"),
    "published": N_("公示日期"),
    "confirmed": N_("确认日期"),
    "announced": N_("公告日期"),
    "listed": N_("列入名单日期"),
    "decided": N_("决定日期"),
    "filed": N_("备案日期"),
    "dispositions": N_("处理决定"),
    "eliminations": N_("淘汰任务"),
    "cured": N_("完成日期"),
    "ended": N_("终止日期"),
    "restrictions": N_("区域限批"),
    "class": N_("设备类别"),
    "ordered": N_("责令日期"),
    "due": N_("注销期限"),
}

# Reports from the public: how far, what came of them, what they concern.
TIP_STATES: Final = {
    "received": N_("待登记"),
    "acknowledged": N_("已登记"),
    "examined": N_("正在核查"),
    "answered": N_("已答复"),
    "closed": N_("已办结"),
}
TIP_OUTCOMES: Final = {
    "upheld": N_("属实"),
    "partly_upheld": N_("部分属实"),
    "not_upheld": N_("不属实"),
    "passed_on": N_("已转有权机关"),
    "too_little": N_("线索不足"),
    "not_ours": N_("不属受理范围"),
}
TIP_LINKS: Final = {"project": N_("项目"), "case": N_("案件"), "finding": N_("疑点"), "enterprise": N_("企业")}
ANSWERS: Final = {"allow": N_("可以办理"), "refuse": N_("不得办理"), "refer": N_("须人工核实")}
MARKS: Final = {"without": N_("未经办理前核查"), "against": N_("违反核查结果"), "lapsed": N_("核查结果已失效")}
TABLES: Final = {
    "sector": SECTORS,
    "stage": STAGES,
    "nature": NATURES,
    "lane": LANES,
    "gate": GATES,
    "gate_state": GATE_STATES,
    "act": ACTS,
    "approval_kind": APPROVAL_KINDS,
    "basis": BASES,
    "severity": SEVERITIES,
    "finding_state": FINDING_STATES,
    "finding_decision": FINDING_DECISIONS,
    "closed_reason": CLOSED_REASONS,
    "obligation_state": OBLIGATION_STATES,
    "proposal_state": PROPOSAL_STATES,
    "record_kind": {**RECORD_KINDS, **DISPOSITIONS, "close": N_("责令关闭"), "stop": N_("责令停产")},
    "method": LINK_METHODS,
    "outcome": LINK_OUTCOMES,
    "product": PRODUCTS,
    "process": PROCESSES,
    "equipment": EQUIPMENT,
    "disposition": DISPOSITIONS,
    "law_word": LAW_WORDS,
    "notice_kind": NOTICE_KINDS,
    "publication_kind": {**PUBLICATION_KINDS, **NOTICE_KINDS},
    "own_publication_kind": PUBLICATION_KINDS,
    "publication_origin": PUBLICATION_ORIGINS,
    "publication_state": PUBLICATION_STATES,
    "version_state": VERSION_STATES,
    "chain_event": CHAIN_EVENTS,
    "letter_state": LETTER_STATES,
    "letter_sender": LETTER_SENDERS,
    "role": NOTICE_ROLES,
    "name_kind": NAME_KINDS,
    "owner_kind": OWNER_KINDS,
    "run_state": RUN_STATES,
    "found": KINDS_FOUND,
    "suspected_state": SUSPECT_STATES,
    "flagged": FLAGGED,
    "province": PROVINCES,
    "field": FIELDS,
    "answer": ANSWERS,
    "mark": MARKS,
    "tip_state": TIP_STATES,
    "tip_outcome": TIP_OUTCOMES,
    "tip_link": TIP_LINKS,
}


def word(table: str, code: str | None) -> str:
    """What a code is called in the current language; a code the table does not know is shown as it is."""
    if not code:
        return ""
    if table == "province":
        code = code[:2]
    known = TABLES[table].get(code)
    return _(known) if known else code


def words(table: str, codes: str | list[str] | None) -> str:
    """What one code or several are called."""
    return (
        word(table, codes)
        if codes is None or isinstance(codes, str)
        else _("、").join(word(table, one) for one in codes)
    )


def choices(table: str) -> list[tuple[str, str]]:
    """(code, word) of a table in its order, for selects and facets."""
    return [(code, _(message)) for code, message in TABLES[table].items()]


def _rules() -> "dict[str, Rule]":
    # Read when first asked for: the rules bring an SQL parser along, which the starting page must not wait for.
    from registry.rules.reading import rules

    return {one.id: one for one in rules()}


def rule_title(rule_id: str) -> str:
    """What a rule is called, in its own words."""
    known = _rules().get(rule_id)
    return str(getattr(known.title, current_language())) if known else rule_id


def rule_plain(rule_id: str) -> str:
    """What a rule says, in a sentence."""
    known = _rules().get(rule_id)
    return str(getattr(known.plain, current_language())) if known else ""


def reason_words(rule_id: str, reasons: list[str]) -> str:
    """The reasons of a finding in the words of its rule."""
    known = _rules().get(rule_id)
    words = known.reasons if known else {}
    return _("；").join(getattr(words[one], current_language()) if one in words else one for one in reasons)


def rule_choices() -> list[tuple[str, str]]:
    """(id, title) of every built rule."""
    return [(one.id, getattr(one.title, current_language())) for one in _rules().values()]
