"""Errors in Chinese: the domain's errors speak English, pages and the API speak the reader's language."""

from typing import Final

from portal.language import current_language

CHINESE: Final[dict[str, str]] = {
    "A correction needs a reason.": "更正须写明理由。",
    "A correction needs an actor.": "更正须写明经办人。",
    "A registration needs a reason.": "登记须写明依据。",
    "Files of this kind are not read.": "不支持这种文件。",
    "No file was chosen.": "没有选择文件。",
    "Nothing was changed.": "没有任何改动。",
    "The cursor is not one of this list.": "翻页标记不属于此列表。",
    "The file did not arrive whole.": "文件没有完整送达。",
    "The file is larger than 4 MB.": "文件超过 4 MB。",
    "The file is empty.": "文件是空的。",
    "The file is not UTF-8.": "文件不是 UTF-8 编码。",
    "The file is not text.": "文件不是文本。",
    "The file's encoding is not known.": "无法识别文件的编码。",
    "The first row is empty.": "第一行是空的。",
    "The workbook has no sheet.": "工作簿中没有工作表。",
    "This is not a date.": "这不是日期。",
    "This is not the cursor of this search.": "翻页标记不属于这次检索。",
    "This project is registered already.": "此项目已经登记。",
    "This key is not known.": "密钥无效。",
    "Writing needs a key.": "写入须带密钥。",
    "Only officials may change the register.": "只有工作人员可以更改登记簿。",
    "No project bears this code.": "没有项目使用此代码。",
    "There is no such approval.": "没有这份批准文件。",
    "There is no such enterprise.": "没有这家企业。",
    "There is no such finding.": "没有这个疑点。",
    "There is no such notice.": "没有这份公告。",
    "There is no such page.": "没有这个页面。",
    "There is no such project.": "没有这个项目。",
    "There is no such project at this date.": "在此日期没有这个项目。",
    "There is no such record.": "没有这条记录。",
    "PostgreSQL does not answer.": "数据库没有答复。",
    "Somebody else changed this meanwhile.": "内容已被他人更改。",
    "This Idempotency-Key came with another request before.": "此 Idempotency-Key 曾用于另一请求。",
    "The form was not sent from a page of this register.": "表单不是从本登记簿的页面发出的。",
    "Add --reason TEXT.": "请写明理由。",
    "Change at least one field.": "请至少改动一项。",
    "Choose a CSV, XLSX or JSONL file.": "请选择 CSV、XLSX 或 JSONL 文件。",
    "Choose it again.": "请重新选择。",
    "Correct it on its own page.": "请在该项目的页面上更正。",
    "Open the page again and send the form once more; cookies must be allowed.": (
        "请重新打开页面再提交；须允许使用 Cookie。"
    ),
    "Read it again and repeat the change.": "请重新查看后再改。",
    "Say who corrects.": "请写明经办人。",
    "Say why the register was wrong.": "请写明登记簿为何有误。",
    "Search for a name, a code or a document number.": "请检索名称、代码或文号。",
    "See `threegates doctor`; start everything with `threegates up`.": "请运行 threegates doctor 查看原因。",
    "Send fewer items at once, or split the file.": "请减少每次的条数，或拆分文件。",
    "Send “Authorization: Bearer KEY”; see docs/api.md for the key.": (
        "请发送“Authorization: Bearer 密钥”；密钥见 docs/api.md。"
    ),
    "Split it, or use `threegates projects import` on the server.": (
        "请拆分文件，或在服务器上运行 threegates projects import。"
    ),
    "Start again without a cursor.": "请从第一页重新开始。",
    "Start from the first page.": "请从第一页重新开始。",
    "Switch to the view of an official.": "请改以工作人员身份查看。",
    "Take a new key for a new request.": "新的请求请用新的键。",
    "Write it like 2014-06-01.": "请写成 2014-06-01。",
}


def in_reader_language(text: str) -> str:
    """An error's message or remedy in the current language; what has no Chinese yet stays English."""
    return CHINESE.get(text, text) if current_language() == "zh" else text
