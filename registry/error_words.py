"""Errors in Chinese: the domain's errors speak English, and every sentence that people may meet has its Chinese here.

A table's key is the English sentence as the code writes it, with {names} for what is filled in; its value says the
same in Chinese with the same names. Other rooms bring tables of their own for what only they say.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Final

CHINESE: Final[dict[str, str]] = {
    # decisions on findings
    "Only a person decides on a finding.": "只有人员可以对疑点作出认定。",
    "This finding belongs to another region.": "此疑点属于其他地区。",
    "This finding is closed; there is nothing to decide.": "此疑点已了结，无须认定。",
    "The evidence has changed since you read it.": "您查看之后证据已改变。",
    "Read it again, then decide.": "请重新查看后再认定。",
    "There is no decision to take back.": "没有可撤回的认定。",
    "The file is no signed statement of keys.": "这不是密钥的签名声明。",
    "Save /reports/signed.json as it is given.": "请原样保存 /reports/signed.json。",
    # backups
    "The backup is not whole: it was cut or changed.": "备份不完整：被截断或被改动。",
    "Use another copy, or an older backup; nothing was changed.": "请使用另一份副本或较早的备份；未作任何改动。",
    "Use another copy; nothing was changed.": "请使用另一份副本；未作任何改动。",
    "The backup's manifest cannot be read.": "备份的清单无法读取。",
    "A newer threegates made this backup.": "此备份由更新的版本制作。",
    "Update this one, then restore; nothing was changed.": "请先升级本软件再恢复；未作任何改动。",
    "It begins with age1; `threegates tips keys new` makes one.": (
        "公钥以 age1 开头；用 `threegates tips keys new` 制作。"
    ),
    "Name another place.": "请另指定位置。",
    "Name the backup's file.": "请指定备份文件。",
    "The backup is sealed.": "备份已加密。",
    "Give the private key's file with --key.": "请用 --key 指定私钥文件。",
    "None of these keys opens the backup.": "这把密钥打不开此备份。",
    "Give the key whose public half it was sealed to, or use another copy.": "请用加密时公钥对应的私钥，或另一份副本。",
    "This is no backup of threegates.": "这不是 threegates 的备份。",
    "Name a file that `threegates backup` wrote.": "请指定 `threegates backup` 写出的文件。",
    "The database does not hold the register.": "数据库中没有登记库。",
    "Run `threegates migrate`.": "请运行 `threegates migrate`。",
    "A backup is made as the database's owner.": "备份须以数据库所有者的身份进行。",
    "Give the owner's address: another role sees a part of the rows.": "请给出所有者的地址：其他角色只看得到部分数据。",
    "PostgreSQL's pg_dump failed ({reason}).": "PostgreSQL 的 pg_dump 失败（{reason}）。",
    "See `threegates doctor`; then run the command again.": "请看 `threegates doctor`，然后重新运行。",
    "PostgreSQL's pg_restore failed ({reason}).": "PostgreSQL 的 pg_restore 失败（{reason}）。",
    "See `threegates doctor`.": "请看 `threegates doctor`。",
    "PostgreSQL's program {name} cannot be started ({reason}).": "PostgreSQL 的程序 {name} 无法启动（{reason}）。",
    "The backup holds a file that none of threegates' is.": "备份中有不属于 threegates 的文件。",
    "Use a backup that `threegates backup` wrote; nothing was changed.": (
        "请用 `threegates backup` 写出的备份；未作改动。"
    ),
    "The restored register differs from the saved one.": "恢复的登记库与备份时的不同。",
    "Nothing was kept. See the server's log and its disk, then restore again.": (
        "未留任何内容。请查看日志和磁盘，再恢复一次。"
    ),
    "The database is not empty.": "数据库不是空的。",
    "The backup is of PostgreSQL {wanted}, this one is {found}.": "备份来自 PostgreSQL {wanted}，这里是 {found}。",
    "The database's locale finds no Chinese names.": "此数据库的区域设置无法查找中文名称。",
    "This installation has a file of its own there.": "此处已有本安装自己的文件。",
    "Make it anew: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0; nothing was changed.": (
        "请重新建库：createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0；未作任何改动。"
    ),
    "Restore into PostgreSQL {wanted} or newer; nothing was changed.": (
        "请恢复到 PostgreSQL {wanted} 或更新的版本；未作任何改动。"
    ),
    "Restore into a new THREEGATES_DATA_FOLDER, or move the file away; nothing was changed.": (
        "请恢复到新的 THREEGATES_DATA_FOLDER，或移走此文件；未作任何改动。"
    ),
    "Restore into a new database, or with THREEGATES_DATA_FOLDER into a new folder; nothing was changed.": (
        "请恢复到新的数据库，或用 THREEGATES_DATA_FOLDER 恢复到新的文件夹；未作任何改动。"
    ),
    "Run `make setup`.": "请运行 `make setup`。",
    # cases
    "This is no version.": "版本无效。",
    "Choose from 1 to {number} cases.": "请选取 1 至 {number} 个案件。",
    "Choose from 1 to {number} tasks.": "请选取 1 至 {number} 项任务。",
    "A case cannot be merged into itself.": "案件不能并入自身。",
    "What tells of credit alone is not merged with what does not.": "只涉及信贷的案件不与其他案件合并。",
    "Choose what becomes a case of its own.": "请选取要分出的警报或疑点。",
    "Something must stay in the case.": "原案件中须留有内容。",
    "There is no such alert or finding in this case.": "此案中没有这条警报或疑点。",
    "There is no such office.": "没有这个机关。",
    "What tells of credit goes to financial authorities alone.": "涉及信贷的内容只能交给金融监管机构。",
    "A decision was written into this project's file already.": "处理结果已经记入此项目的档案。",
    "Only a person works on a case.": "只有人员可以办理案件。",
    "There is no such person in this office.": "本机关没有此人。",
    "There is no such open task of this office.": "本机关没有这项待办任务。",
    "There is no such task.": "没有这项任务。",
    "This task is another office's.": "此任务属于其他机关。",
    "Say whether your office agrees.": "请写明本机关是否同意。",
    "Somebody else changed this task meanwhile.": "此任务已被他人更改。",
    "Read what was changed, then repeat your change.": "请先查看更改的内容，再重新提交。",
    "This task is done already.": "此任务已经办结。",
    "Another desk works on this case.": "此案由其他机关办理。",
    "A deadline cannot be over already.": "期限不能早于今天。",
    "The file is larger than {number} MB.": "文件超过 {number} MB。",
    "Split or shrink it.": "请拆分或压缩文件。",
    "The file's ending does not fit what is in it.": "文件的扩展名与内容不符。",
    "Give it the ending of what it is.": "请按内容改正扩展名。",
    "This kind of file cannot be attached.": "不收这种文件。",
    "Attach {kinds}.": "请附 {kinds}。",
    "The file is damaged.": "文件已损坏。",
    "The file holds macros or programs.": "文件带有宏或程序。",
    "Save it without them, or as PDF, and attach that.": "请另存为不带宏的文件或 PDF 后再附。",
    "The PDF holds scripts or files of its own.": "此 PDF 带有脚本或内嵌文件。",
    "Print it to a plain PDF.": "请打印为普通 PDF 后再附。",
    "The PDF is locked with a password.": "此 PDF 设有密码。",
    "Save it without one.": "请去掉密码后再附。",
    "There is no such kind of file.": "没有这个文件类别。",
    "Only the case's desk says that a file is what a step needs.": "只有承办机关可以认定文件的类别。",
    "The case has this file already.": "此案已有这份文件。",
    "A case takes {number} files at most.": "一个案件至多附 {number} 份文件。",
    "There is no such file.": "没有这份文件。",
    "Something is missing for this step.": "这一步还缺少条件。",
    "The case's page lists what.": "案件页面列出了所缺的内容。",
    "Say how the case ends.": "请选择办结的结果。",
    "The day of the document is missing.": "请填写文书的日期。",
    "The day of the document lies ahead.": "文书的日期晚于今天。",
    "There is no such path.": "没有这种办理依据。",
    "A case takes {number} alerts and findings at most.": "一个案件至多包括 {number} 条警报和疑点。",
    "It may have 100 characters at most.": "至多 100 个字。",
    "It may have {number} characters at most.": "至多 {number} 个字。",
    "There is no such region.": "没有这个地区。",
    "This alert or finding is in a case already.": "此警报或疑点已在另一案件中。",
    "There is no such desk.": "没有这个承办机关。",
    "A case is opened for one's own desk, or for an office of one's own agency.": "只能为本机关或本系统的机关立案。",
    "There is no such alert of this desk.": "本机关没有这条警报。",
    "This alert is in a case already, or closed.": "此警报已立案或已了结。",
    "The case cannot take this step from where it stands.": "案件在目前的环节不能走这一步。",
    "This must be filled in.": "此项必须填写。",
    "There is no such case.": "没有这个案件。",
    "Add a note, or ask that desk.": "可以加备注，或与承办机关联系。",
    "Somebody else changed this case meanwhile.": "此案已被他人更改。",
    "This case is closed.": "此案已经办结。",
    "A supervisor can reopen it.": "可由有批准权的人重新办理。",
    "Only a person has a desk.": "只有人员有工作台。",
    "Nothing was chosen.": "没有选取任何一项。",
    "Tick cases or tasks first.": "请先选取案件或任务。",
    # alerts, and what tells of them
    "There is no such act.": "没有这种操作。",
    "Read it again.": "请重新查看。",
    "There is no such alert.": "没有这条警报。",
    "This alert belongs to another desk.": "此警报属于其他机关。",
    "Somebody else changed this alert meanwhile.": "此警报在此期间已被他人更改。",
    "This alert is closed.": "此警报已了结。",
    "Say why nobody is to be told.": "请说明不再通知的理由。",
    "Say until when.": "请写明截止时间。",
    "The end lies in the past or too far away.": "截止时间已过或太远。",
    "A snooze lasts a month at most, a silence a year.": "搁置最长一个月，静默最长一年。",
    "The reason is too long.": "理由过长。",
    "Somebody acknowledged this alert already.": "此警报已有人签收。",
    "This alert is not acknowledged.": "此警报尚未签收。",
    "This alert is not snoozed.": "此警报未被搁置。",
    "This alert is not silenced.": "此警报未被静默。",
    "This alert is silenced already.": "此警报已被静默。",
    "The address must look like https://host/path.": "网址须形如 https://主机/路径。",
    "The address is this machine itself.": "网址指向本机。",
    "Name the receiver's own host.": "请填写接收方自己的主机。",
    "The address must begin with https://.": "网址须以 https:// 开头。",
    "A webhook's name has 2 to 60 characters.": "名称须为 2 至 60 个字符。",
    "There is no such kind of event.": "没有这类事件。",
    "An organisation has 20 webhooks at most.": "一个单位最多设 20 个推送网址。",
    "This address is told already.": "此网址已在推送。",
    "Somebody else changed this webhook meanwhile.": "此推送网址在此期间已被他人更改。",
    "There is no such way to be told.": "没有这种通知方式。",
    "There is no such feed.": "没有这个订阅。",
    "Tick at least one alert.": "请至少选中一条警报。",
    "At most 50 alerts at once.": "一次最多处理 50 条警报。",
    "This is not a delivery status notification (RFC 3464).": "这不是投递状态通知（RFC 3464）。",
    "Pipe to this command only what comes to the address of THREEGATES_SMTP_BOUNCES.": (
        "只把寄到 THREEGATES_SMTP_BOUNCES 所设地址的邮件交给本命令。"
    ),
    "This notice answers no mail that was sent from here within 30 days to an address that is still in use.": (
        "此通知不对应 30 天内由此发往现用地址的任何邮件。"
    ),
    "Nothing was changed. A notice that somebody made up looks like this, too.": "未作任何更改。伪造的通知也会如此。",
    "Set up your account first.": "请先完成账号设置。",
    "There is no such webhook.": "没有这个推送网址。",
    # publications
    "A statement has at most {most} characters.": "说明最多 {most} 个字。",
    "The law in force sets no objection period.": "现行参数没有规定公示期。",
    "New replacement plans of this sector may not be displayed or published: the law in force suspends them.": (
        "现行规定暂停公示、公告该行业新的产能置换方案。"
    ),
    "Publishing one would itself count as adding capacity against the rules.": (
        "继续公示、公告的，将视为违规新增钢铁产能。"
    ),
    "The register has no such matter that may be published.": "登记簿中没有可以公布的这一事项。",
    "Only a person prepares a publication.": "只有人员可以办理公布。",
    "There is a publication of this already: {reference}.": "此事项已有公布：{reference}。",
    "Correct that one, or withdraw it first.": "请更正该项，或先撤回。",
    "This publication is withdrawn.": "此项公布已撤回。",
    "Draft a new one.": "请重新起草。",
    "Only what is published can be corrected.": "只有已公告的内容可以更正。",
    "A correction of this publication is on its way already.": "此项公布的更正已在办理。",
    "Only who drafted it changes a draft, and only before it is submitted.": "草稿只能由起草人在提交之前修改。",
    "Only who drafted it submits a draft, once.": "草稿只能由起草人提交一次。",
    "What is public is withdrawn, not dropped.": "已公开的内容须撤回，不能放弃。",
    "What this rests on has changed since it was drafted.": "起草之后，所依据的内容已有变动。",
    "Bring the draft up to date, look at it again, and submit it again.": "请更新草稿，重新查看后再提交。",
    "No version of this publication is on its way.": "此项公布没有正在办理的版本。",
    "Only an office publishes.": "只有机关可以公布。",
    "A correction needs a reason that may be public.": "更正须有可以公开的理由。",
    "Nothing of this publication is on display.": "此项公布没有正在公示的内容。",
    "Enter it as an appeal.": "请登记为申诉。",
    "This publication accuses nobody.": "此项公布没有点名违规。",
    "Enter it as an objection or an appeal.": "请登记为异议或申诉。",
    "Say what is missing.": "请写明缺少什么。",
    "Only what is public can be appealed against.": "只有已公开的内容可以申诉。",
    "Who drafted or approved it does not decide on an appeal against it.": "起草人和批准人不能决定针对该项的申诉。",
    "Ask another person.": "请由另一人办理。",
    "There are no words.": "没有填写内容。",
    "At most {most} characters.": "最多 {most} 个字。",
    "It cannot be received later than today.": "收到日期不能晚于今天。",
    "The SHA-256 of the letter is needed: 64 digits 0-9 and a-f.": "须填写来信原件的 SHA-256：64 位 0-9 和 a-f。",
    "Scan the letter, keep the scan, and enter its SHA-256.": "请扫描来信存档，填写扫描件的 SHA-256。",
    "An answer needs its reasons; they will be public.": "答复须写明理由，理由将公开。",
    "Who entered it, or acts for them, does not decide on it.": "登记来信的人及代其办理的人不能答复或核对。",
    "This letter is answered already.": "此来信已经答复。",
    "A withdrawal of this publication awaits a second person already.": "此项公布的撤回已在等待另一人批准。",
    "This proposal is not a withdrawal.": "此提案不是撤回申请。",
    "This proposal is not a publication.": "此提案不是公布申请。",
    "Only what is public can be withdrawn.": "只有已公开的内容可以撤回。",
    "A withdrawal needs a reason that may be public.": "撤回须有可以公开的理由。",
    "Characters {first} to {last} look like personal data or a bank account; neither is published.": (
        "第 {first} 至 {last} 字疑似个人信息或银行账号，不得公布。"
    ),
    "Take it out, or say it without the person or the number.": "请删去，或改用不涉及个人和号码的说法。",
    # obligations against defaulters
    "Obligations are for officials and banks.": "逾期未淘汰的措施只供机关和银行查阅。",
    "There is no such obligation.": "没有这项措施。",
    "Only a person puts evidence on record.": "只有人员可以登记依据。",
    "Name the document that shows it.": "请写明文件名称。",
    "The day lies in the future.": "日期晚于今天。",
    "This obligation belongs to another region.": "此项措施属于其他地区。",
    "This obligation is settled already.": "此项措施已经办结或终止。",
    "The measure follows the deadline; this day lies before it.": "措施在期限届满之后才有，此日期早于期限。",
    # drafted values of the law
    "There is no such parameter.": "没有这个参数。",
    "This is not a date.": "日期无效。",
    "Write it like 2014-06-01.": "请写成 2014-06-01 的形式。",
    "A region code has six digits.": "行政区划代码为六位数字。",
    "There is no such article.": "没有这一条文。",
    "These words do not stand in the article.": "条文中没有这些文字。",
    "Copy them letter by letter.": "请逐字照录。",
    "The article does not bind yet on this day.": "条文在该日尚未生效。",
    "The value is not of the parameter's type.": "取值与参数的类型不符。",
    "Its backtest has not run yet.": "回测尚未运行。",
    "Wait for it, look at the difference, then decide.": "请待其完成并查看差异后再决定。",
    "The law has changed since the backtest.": "回测之后参数已有变动。",
    "Ask for the backtest again.": "请重新回测。",
    # people: accounts, roles, keys, proposals
    "There is no such account.": "没有这个账号。",
    "A login name has 3 to 40 characters: small letters, digits, dot, hyphen.": (
        "登录名须为 3 至 40 个小写字母、数字、点或连字符。"
    ),
    "Begin with a letter.": "请以字母开头。",
    "The name is missing.": "没有填写名称。",
    "There is no such organisation.": "没有这个单位。",
    "There is no such language.": "没有这种语言。",
    "Choose zh or en.": "请选择 zh 或 en。",
    "Nobody changes their own region.": "不能更改自己的行政区划。",
    "Somebody changed this account meanwhile.": "此账号在此期间已被他人更改。",
    "Look at what it is now, and change it again if needed.": "请查看现状，如有必要再改。",
    "Only a national administrator changes organisations.": "只有全国一级的管理员可以更改单位。",
    "Nobody ends the own organisation.": "不能停用自己的单位。",
    "Say why the organisation ends.": "请说明停用单位的理由。",
    "The organisation still has people.": "该单位还有在用账号。",
    "End their accounts first; their work is handed over.": "请先停用其账号；未办结事项将移交。",
    "The region does not lie within the organisation's.": "行政区划超出单位的范围。",
    "This login name is taken.": "此登录名已被使用。",
    "The present password is not right.": "现在的密码不正确。",
    "The new password is the present one.": "新密码与现在的相同。",
    "This code is not right.": "验证码不正确。",
    "Check the clock of the device; take the next code.": "请检查设备的时间，用下一个验证码。",
    "This account has ended already.": "此账号已经停用。",
    "Say why the account ends.": "请写明停用的理由。",
    "Open work needs a successor of the same organisation.": "未办结的事项须有本单位的接手人。",
    "Choose who takes it over.": "请选择接手人。",
    "Nobody does this to their own account.": "不能对自己的账号这样做。",
    "Ask another administrator.": "请由另一位管理员办理。",
    "Nobody grants a role to themselves.": "不能给自己授予角色。",
    "A bank's people are readers, administrators or auditors.": "银行的人员只能是查阅人员、管理员或审计人员。",
    "Only a role of one's own can be delegated.": "只能委托本人的角色。",
    "A delegated role cannot be delegated further.": "受托的角色不能再委托。",
    "A delegation ends within 90 days.": "委托须在 90 天内终止。",
    "The delegation would outlast the role.": "委托不能比角色更长。",
    "Choose a colleague of the same organisation and region.": "请选择同一单位、同一区划的同事。",
    "There is no such grant.": "没有这项授权。",
    "There is no such role.": "没有这个角色。",
    "A role needs a reason.": "授予角色须写明理由。",
    "The last day lies before the first.": "最后一天早于第一天。",
    "Nobody is administrator and auditor at once.": "一人不能同时是管理员和审计人员。",
    "Only a national administrator adds organisations.": "只有全国的管理员可以新增单位。",
    "A short name has 3 to 60 small letters, digits or hyphens.": "短名称须为 3 至 60 个小写字母、数字或连字符。",
    "An organisation is an agency or a bank.": "单位须为机关或银行。",
    "A region has six digits.": "行政区划代码为六位数字。",
    "This short name is taken.": "此短名称已被使用。",
    "A key's name has 3 to 60 characters.": "密钥名称须为 3 至 60 个字符。",
    "Choose at least one of the scopes.": "请至少选择一个范围。",
    "A key ends within a year.": "密钥的有效期不超过一年。",
    "The rate is 1 to 6000 requests a minute.": "每分钟次数为 1 至 6000。",
    "A key of this name exists.": "已有同名的密钥。",
    "There is no such key.": "没有这个密钥。",
    "This key has ended.": "此密钥已失效。",
    "Ask your administrator for a new one.": "请向管理员索取新密钥。",
    "The old key holds for at most 30 days more.": "旧密钥最多再有效 30 天。",
    "Only a person drafts a proposal.": "只有人员可以起草。",
    "A proposal needs a reason.": "起草须写明理由。",
    "There is no such proposal.": "没有这份草案。",
    "A refusal needs a reason.": "不予批准须写明理由。",
    "Only whose proposal it is takes it back.": "只有承办人可以撤回。",
    "Who drafted a proposal, or acts for them, does not decide on it.": "起草人及其受托人不能决定。",
    "Ask a second person.": "请由第二人办理。",
    "This proposal is settled already.": "此草案已经办结。",
    "There is no such sign-in.": "没有这次登录。",
    "A password has at least {SHORTEST} characters.": "密码至少 {SHORTEST} 个字符。",
    "A password has at most {LONGEST} characters.": "密码最多 {LONGEST} 个字符。",
    "Take several words.": "可用几个词组成。",
    "This password is easily guessed.": "此密码容易被猜到。",
    "Take several words that are not connected.": "请用几个不相干的词。",
    "The installation's key is damaged.": "安装密钥已损坏。",
    "Put it back from the backup.": "请从备份恢复。",
    # what was asked for
    "There is no such approval.": "没有这份批准文件。",
    "There is no such enterprise.": "没有这家企业。",
    "There is no such finding.": "没有这个疑点。",
    "There is no such notice.": "没有这份公告。",
    "There is no such page.": "没有这个页面。",
    "There is no such project.": "没有这个项目。",
    "There is no such project at this date.": "在此日期没有这个项目。",
    "There is no such record.": "没有这条记录。",
    "There is no such agency.": "没有接入这个机构。",
    "There is no such basis.": "没有这种依据。",
    "No region is called so.": "没有这个地区。",
    "Give its six digits, or its name with its province's.": "请填六位代码，或写明省份和名称。",
    "There is no such choice about findings.": "“疑点”只能选有或无。",
    "There is no such gate.": "没有这个环节。",
    "There is no such choice about invented ones.": "“虚构”只能是 true 或 false。",
    "There is no such kind.": "没有这个种类。",
    "There is no such lane.": "没有这个环节。",
    "There is no such nature.": "没有这种建设性质。",
    "There is no such province.": "没有这个省份。",
    "There is no such rule.": "没有这条规则。",
    "There is no such document of the law.": "没有这份文件。",
    "There is no such sector.": "没有这个行业。",
    "There is no such stage.": "没有这个阶段。",
    "There is no such state.": "没有这种状态。",
    "There is no such {what}.": "没有所指的内容。",
    "No project bears this code.": "没有项目使用此代码。",
    "The cursor is not one of this list.": "翻页标记不属于此列表。",
    "Start again without a cursor.": "请从第一页重新开始。",
    "Give one of: {values}.": "可填：{values}。",
    "There is nothing to choose from yet.": "目前尚无可选项。",
    # the gate
    "There is no such gate check.": "没有这次核查。",
    "There is no such batch.": "没有这批核查。",
    "The day of the intended act has passed.": "拟办日期已过。",
    "Give today or a later day, or leave it out.": "请填写今天或以后的日期，或留空。",
    "The day of the intended act is more than a year away.": "拟办日期在一年以后。",
    "Give an earlier day.": "请填写较早的日期。",
    "This Idempotency-Key came with another request before.": "此 Idempotency-Key 曾用于另一个请求。",
    "Take a new key for a new request.": "新的请求请用新的键。",
    "A file may hold {count} questions.": "一个文件最多 {count} 笔。",
    "The file is too large for a receipt.": "文件过大，不是回执。",
    "The file is not JSON.": "文件不是 JSON。",
    "The file is no receipt of a gate check.": "文件不是办理前核查的回执。",
    "Save the receipt again as it was given (JSON).": "请按原样重新保存回执（JSON）。",
    "The receipt bears no signature.": "回执没有签名。",
    "Ask for the receipt again at its address.": "请从回执的地址重新取得。",
    "The key that signed this receipt is not among the published ones.": "签署此回执的公钥不在已公布的公钥之中。",
    "Fetch the published keys from /gate-check/keys.json of the register that gave the receipt.": (
        "请从出具回执的登记簿的 /gate-check/keys.json 取得公布的公钥。"
    ),
    "The signature does not fit: the receipt was changed, or was not given by this register.": (
        "签名不符：回执已被改动，或不是由本登记簿出具。"
    ),
    "Do not rely on it; fetch the receipt again at its address.": "请勿采信，并从回执的地址重新取得。",
    "The file holds no published keys.": "文件中没有公布的公钥。",
    "A published key does not fit its name.": "公布的公钥与其名称不符。",
    "Fetch it again from /gate-check/keys.json.": "请从 /gate-check/keys.json 重新取得。",
    "Others can read the key that signs receipts.": "签署回执的密钥可被他人读取。",
    "The key that signs receipts cannot be read ({problem}).": "签署回执的密钥无法读取（{problem}）。",
    "The key that signs receipts cannot be written ({problem}).": "签署回执的密钥无法写入（{problem}）。",
    "The file holds no Ed25519 key.": "文件中没有 Ed25519 密钥。",
    "Restore it from the backup, or correct THREEGATES_GATE_KEY_FILE.": (
        "请从备份恢复，或改正 THREEGATES_GATE_KEY_FILE。"
    ),
    "Let this user write there, or set THREEGATES_GATE_KEY_FILE.": (
        "请允许此用户写入，或设置 THREEGATES_GATE_KEY_FILE。"
    ),
    "chmod 600 {path}": "请运行 chmod 600 {path}",
    # reviewing, suspected projects
    "The review queue is for officers and reviewers.": "复核队列供经办和复核人员使用。",
    "Only a person decides where a record belongs.": "记录的归属只能由人决定。",
    "This record is decided already.": "此记录已有结论。",
    "Undo that decision first, then decide anew.": "请先撤销该结论，再重新决定。",
    "There is no such decision.": "没有这个结论。",
    "This decision is no longer the latest on its record.": "这已不是该记录的最新结论。",
    "Read the record again; only the latest decision can be undone.": "请重新查看该记录；只能撤销最新的结论。",
    "Somebody else decided this.": "此结论由他人作出。",
    "Ask them, or a supervisor, to undo it.": "请由其本人或主管撤销。",
    "A decision needs a reason.": "结论须写明理由。",
    "Say in a few words why.": "请用几句话写明为什么。",
    "The reason is longer than {most} characters.": "理由超过 {most} 个字。",
    "Shorten it.": "请缩短。",
    "This record lies outside your region.": "此记录不在您的辖区内。",
    "Leave it to the office in charge.": "请交由有管辖权的单位处理。",
    "No project was chosen.": "没有选择项目。",
    "Choose at least one project.": "请至少选择一个项目。",
    "A record belongs to {most} projects at most.": "一条记录最多属于 {most} 个项目。",
    "Choose fewer.": "请减少选择。",
    "You, or somebody you act for or took over from, gave the first opinion.": (
        "第一意见由您本人、委托您的人或您接替的人作出。"
    ),
    "The second must be another person's.": "第二意见须由另一人作出。",
    "There is no such suspected project.": "没有这个疑似项目。",
    "This suspected project is closed.": "此疑似项目已了结。",
    "Choose an open one, or make a new one.": "请选择未了结的，或新建一个。",
    "A suspected project needs its sector.": "疑似项目须注明行业。",
    "Choose what the record shows is built.": "请按记录显示的建设内容选择。",
    "A proposal about this suspected project waits already.": "已有关于此疑似项目的提议待批。",
    "Settle that one first.": "请先处理该提议。",
    "It is not said which records.": "没有写明哪些记录。",
    "Choose among those shown.": "请在所列记录中选择。",
    "A split leaves some records where they are.": "拆分须留下一部分记录。",
    "Leave one at least.": "请至少留下一条。",
    "It is not said into what.": "没有写明对象。",
    "Give the number of the other project.": "请写明另一项目的编号。",
    "A suspected project cannot be merged into itself.": "疑似项目不能并入自身。",
    "Part of its records is of credit.": "其部分记录属于信贷。",
    "Leave it to a reviewer of the authority in charge of credit.": "请交由信贷主管部门的复核人员处理。",
    # rights
    "Your roles do not allow this.": "您的角色不允许这样做。",
    "Sign in with an account that may do it, or ask your administrator for the role.": (
        "请以有此权限的账号登录，或请管理员授予该角色。"
    ),
    "This lies outside what your account may change.": "这不在您的账号可更改的范围内。",
    "It is for your region's or your organisation's people only; ask the ones in charge there.": (
        "只限本地区或本单位的人员更改；请联系那里的负责人。"
    ),
    "Sign in first.": "请先登录。",
    # the audit and the rules
    "Choose a day of this century.": "请选择本世纪的日期。",
    "Choose a shorter period; up to {most} entries are exported at once.": ("请缩短时段；每次最多导出 {most} 条。"),
    "Export it again.": "请重新导出。",
    "Start again.": "请从头开始。",
    "The day is too far away.": "日期相距太远。",
    "The file begins with entries of no batch.": "文件以不属于任何批次的记录开头。",
    "These are more entries than one table takes.": "记录多于一张表所能容纳。",
    "This is no line of an exported audit.": "这不是导出的审计记录。",
    "Use an unchanged file of `threegates audit export`.": "请使用 threegates audit export 导出且未经改动的文件。",
    "Write it as {example}.": "请写成 {example}。",
    # registering and correcting
    "A correction needs a reason.": "更正须写明理由。",
    "A correction needs an actor.": "更正须写明经办人。",
    "Say who corrects.": "请写明经办人。",
    "Say why the register was wrong.": "请写明登记簿为何有误。",
    "Somebody else changed this meanwhile.": "内容已被他人更改。",
    "Read it again and repeat the change.": "请重新查看后再改。",
    "The register learnt what it holds after {instant}.": "登记簿现有内容的获知时间晚于 {instant}。",
    "Give a later instant.": "请给出更晚的时间。",
    # files of projects
    "A file may have {lines} lines.": "文件最多 {lines} 行。",
    "A file may have {rows} rows and {columns} columns.": "文件最多 {rows} 行、{columns} 列。",
    "Check for a comma inside a cell that is not in quotation marks.": "请检查是否有单元格内含逗号而未加引号。",
    "Check the path and its rights.": "请检查路径和读取权限。",
    "Check the quotation marks there.": "请检查该处的引号。",
    "Copy the needed sheet into a new workbook.": "请把所需工作表复制到新的工作簿。",
    "Files of kind “{suffix}” are not read.": "不支持“{suffix}”文件。",
    "Fill in the template and save it again.": "请填写模板后重新保存。",
    "Fill in the template.": "请填写模板。",
    "Put the column names into the first row.": "请把列名写在第一行。",
    "Save it again as XLSX, without a password, or as CSV.": "请另存为不加密的 XLSX 或 CSV。",
    "Save it as CSV or XLSX.": "请另存为 CSV 或 XLSX。",
    "Save it as CSV, XLSX or JSONL.": "请另存为 CSV、XLSX 或 JSONL。",
    "Save it as UTF-8.": "请另存为 UTF-8 编码。",
    "Split it into several files.": "请拆分成几个文件。",
    "The file cannot be read ({why}).": "文件无法读取（{why}）。",
    "The file has {size} MiB; {most} are allowed.": "文件有 {size} MiB，最多 {most} MiB。",
    "The file is empty.": "文件是空的。",
    "The file is not a workbook that can be read ({why}).": "文件不是可读取的工作簿（{why}）。",
    "The file is not text.": "文件不是文本。",
    "The file is not valid CSV ({why}).": "文件不是有效的 CSV（{why}）。",
    "The file's encoding is not known.": "无法识别文件的编码。",
    "The first row is empty.": "第一行是空的。",
    "The row has {cells} cells, the heading {heading}.": "此行有 {cells} 格，表头有 {heading} 格。",
    "The workbook has no sheet.": "工作簿中没有工作表。",
    "The workbook unpacks to {size} MiB; {most} are allowed.": "工作簿解压后有 {size} MiB，最多 {most} MiB。",
    "The purpose is said in {least} to {most} characters.": "用途须为 {least} 至 {most} 个字。",
    "Name the task or the file that the credit is read for.": "请写明查看信贷所办理的事项或案卷。",
    "This needs a fresh sign-in.": "此操作须重新登录。",
    "Sign out, sign in again, and end the others within ten minutes.": "请退出后重新登录，并在十分钟内结束其他登录。",
    "{folder} is no folder.": "{folder} 不是文件夹。",
    "Name a folder that is there.": "请指定已有的文件夹。",
    # servers
    "PostgreSQL does not answer.": "数据库没有答复。",
    "PostgreSQL has no free connection.": "数据库没有空闲连接。",
    "PostgreSQL refuses the user or the password.": "数据库拒绝此用户名或密码。",
    # desks that receive reports
    "Only an office of the state that is open receives reports.": "只有在用的政府机关可以受理举报。",
    "A key belongs to group A or B.": "密钥属于 A 组或 B 组。",
    "This is no public key.": "这不是公钥。",
    "It begins with age1; see the key ceremony.": "公钥以 age1 开头；参见密钥仪式的说明。",
    "This office does not receive reports yet.": "本单位还没有开设举报受理。",
    "Its administrator opens the desk first.": "请先由本单位管理员开设。",
    "Nobody holds keys of both groups.": "一人不能同时持有两组的密钥。",
    "Two people open together: end the other first.": "须两人共同打开：请先停用另一组的密钥。",
    "This key is there already.": "此密钥已经添加。",
    "This key is confirmed already.": "此密钥已经核对确认。",
    "Another person than its holder confirms a key.": "密钥须由持有人以外的人核对确认。",
    "A colleague compares the fingerprint with the holder's, face to face.": "请同事与持有人当面核对指纹。",
    "Say why the key ends.": "请说明停用的理由。",
    "Your desk has no such report.": "本处没有这份举报。",
    "Choose what came of the report.": "请选择办理结果。",
    "The report is further already, or none of your desk.": "这份举报已有进展，或不属本处。",
    "There is nothing under this number.": "登记簿中没有这个编号。",
    "Give the number of its page.": "请填写其页面上的编号。",
    "This is no sealed answer.": "这不是封存的答复。",
    "Write it on this page with scripts on, or with `threegates tips answer`.": (
        "请允许脚本后在本页书写，或用 `threegates tips answer` 写成。"
    ),
    "This is no sealed part.": "这不是封存的文件。",
    "Send what `threegates tips reseal` wrote.": "请发送 `threegates tips reseal` 写出的文件。",
    "The desk has no confirmed keys to seal to.": "本处没有经核对确认的密钥可供封存。",
    "Have the new key confirmed first.": "请先核对确认新的密钥。",
    "The sealed part is damaged.": "封存的文件已损坏。",
    "Put the database back from a backup of before.": "请用此前的备份恢复数据库。",
    "A passphrase has at least {number} characters.": "口令至少 {number} 个字符。",
    "Take five words that do not belong.": "请选五个互不相干的词。",
    "The passphrase is wrong, or the file is no key.": "口令不对，或不是密钥文件。",
    "The key is made by `threegates tips keys new`.": "密钥用 `threegates tips keys new` 生成。",
    "This is no list of a desk's keys.": "这不是受理单位的密钥清单。",
    "Save /tip-keys/DESK.json.": "请保存 /tip-keys/单位.json。",
    "One seal is off; another person's key is needed too.": "已去掉一层封存，还需要另一人的密钥。",
    "Give both keys.": "请给出两个密钥。",
    "Give both keys, or hand on what --half writes: it is still sealed to your colleague.": (
        "请给出两个密钥，或转交 --half 写出的文件：它仍封存给您的同事。"
    ),
    "An answer has 1 to {number} bytes.": "答复为 1 至 {number} 字节。",
    "Write it in two answers.": "请分成两份答复。",
    "There is such a file already.": "已有这个文件。",
    "Name another.": "请另起名称。",
    "The file cannot be written ({number}).": "文件无法写入（{number}）。",
    "This kind of file cannot be cleaned for certain.": "这种文件无法确保清理干净。",
    "Sound and film cannot be cleaned: they tell of devices, places and voices.": (
        "录音和录像无法清理：它们会显示设备、地点和声音。"
    ),
    "Hand on no copy. Play it on a machine without network and write down what is heard and seen, with the times.": (
        "不要转交副本。请在不联网的电脑上播放，按时间抄录听到和看到的内容。"
    ),
    "JPEG, PNG, GIF, BMP, TIFF and WebP pictures, PDF, DOCX, XLSX, PPTX, ODT, ODS and ODP without macros can. "
    "Else write down what it shows, or photograph the screen.": (
        "可清理 JPEG、PNG、GIF、BMP、TIFF、WebP 图片，PDF，以及不含宏的 DOCX、XLSX、PPTX、ODT、ODS、ODP。"
        "其他的请抄录内容，或对屏幕拍照。"
    ),
    "It holds tracked changes, which name people and hold what was taken out.": (
        "其中有修订记录，会显示人名和已删除的内容。"
    ),
    "Open the copy on a machine without network, accept all changes, save, and clean it again.": (
        "请在不联网的电脑上打开副本，接受全部修订并保存，再清理一次。"
    ),
    # reports from the public
    "No report has this receipt.": "没有与此回执对应的举报。",
    "Check each character; a receipt ends with its report.": "请逐字核对；举报到期删除后，回执也随之失效。",
    "A file may have {size} MiB at most.": "单个文件最多 {size} MiB。",
    "Send it in several parts, or only the pages that matter.": "请分成几份发送，或只发送要紧的几页。",
    "The file did not arrive whole.": "文件没有完整送达。",
    "Send it once more.": "请再发送一次。",
    "These keys do not open it, or it is not whole.": "这些密钥打不开它，或它不完整。",
    "Use the key whose fingerprint the report was sealed to; see docs/threat-model-reporters.md.": (
        "请使用封存此举报时所用指纹对应的密钥；参见 docs/threat-model-reporters.md。"
    ),
    "This is no private key.": "这不是私钥。",
    "It begins with AGE-SECRET-KEY-1.": "私钥以 AGE-SECRET-KEY-1 开头。",
    "The key of that month was destroyed: what was sealed to it cannot be read any more.": (
        "该月的密钥已销毁：用它封存的内容再也无法读取。"
    ),
    "A month has the form 2026-11.": "月份的写法如 2026-11。",
    "The register needs the role {name} of PostgreSQL, which this user may not make or take.": (
        "登记册需要数据库角色 {name}，而此用户无权创建或取得。"
    ),
    "The database does not hold the jobs' queue.": "数据库中没有任务队列。",
    "As a superuser, run: {commands}": "请以超级用户执行：{commands}",
    "PostgreSQL has no database “{name}”.": "数据库服务器上没有数据库“{name}”。",
    "PostgreSQL does not speak TLS, which its address asks for.": "地址要求 TLS，而数据库不支持。",
    "The encrypted connection to PostgreSQL cannot be made ({why}).": "无法建立到数据库的加密连接（{why}）。",
    "The address of PostgreSQL cannot be used ({why}).": "数据库的地址无法使用（{why}）。",
    "The database does not hold the register, or an older one.": "数据库中没有登记簿，或其版本较旧。",
    "Correct them in {variable}; see `threegates doctor`.": "请在 {variable} 中改正；可运行 threegates doctor 检查。",
    "Create it: {command}": "请创建：{command}",
    "Correct sslmode and sslrootcert in {variable}, or the server's certificate.": (
        "请改正 {variable} 中的 sslmode 和 sslrootcert，或服务器证书。"
    ),
    "Turn on ssl in the server, or correct sslmode in {variable}.": (
        "请在服务器上启用 ssl，或改正 {variable} 中的 sslmode。"
    ),
    "It looks like {address}.": "地址的写法如 {address}。",
    "Raise its max_connections or end other users.": "请增大 max_connections，或结束其他连接。",
    "See the list under /rules.": "请查看 /rules 中的列表。",
    "See `threegates doctor`; start everything with `threegates up`.": "请运行 threegates doctor 查看原因。",
    "Start everything with `threegates up`, or run `threegates migrate`.": (
        "请运行 threegates up 启动全部，或运行 threegates migrate。"
    ),
}


@lru_cache(maxsize=4096)
def _pattern(template: str) -> re.Pattern[str]:
    """What a sentence of the table may read like once its names are filled in."""
    parts = []
    for words, name, _specification, _conversion in Formatter().parse(template):
        parts.append(re.escape(words))
        if name is not None:
            # What is filled in may be an address or a list, but never the end of a sentence and the next one.
            parts.append(f"(?P<{name}>(?:(?!\\. [A-Z]).)*?)")
    return re.compile("".join(parts), re.DOTALL)


def one_in_chinese(text: str, *tables: Mapping[str, str]) -> str | None:
    """One sentence in Chinese; None where no table knows it."""
    for table in (*tables, CHINESE):
        if text in table:
            return table[text]
    for table in (*tables, CHINESE):
        for template, chinese in table.items():
            if "{" in template and (found := _pattern(template).fullmatch(text)):
                return chinese.format(**found.groupdict())
    return None


def in_chinese(text: str, *tables: Mapping[str, str]) -> str | None:
    """Several sentences, one after the other, in Chinese; None where a table knows one of them not.

    A sentence ends where the rest is known too: an address or a file's name may hold a full stop itself.
    """
    whole = one_in_chinese(text, *tables)
    if whole is not None:
        return whole
    for end in re.finditer(r"(?<=[.)]) ", text):
        head = one_in_chinese(text[: end.start()], *tables)
        if head is not None and (rest := in_chinese(text[end.end() :], *tables)) is not None:
            return head + rest
    return None
