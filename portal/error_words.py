"""Errors in the reader's language: the domain's errors speak English, pages and the API what the reader speaks."""

from typing import Final

from portal.language import current_language
from registry.error_words import in_chinese

# What only the portal and the search behind it say.
CHINESE: Final[dict[str, str]] = {
    # people: accounts, roles, keys, proposals
    "The identity provider does not answer.": "统一身份认证没有答复。",
    "Try again, or sign in with a password.": "请稍后再试，或用密码登录。",
    "A registration needs a reason.": "登记须写明依据。",
    "Files of this kind are not read.": "不支持这种文件。",
    "No file was chosen.": "没有选择文件。",
    "Nothing was changed.": "没有任何改动。",
    "The file did not arrive whole.": "文件没有完整送达。",
    "The file is larger than 4 MB.": "文件超过 4 MB。",
    "This is not a date.": "这不是日期。",
    "This project is registered already.": "此项目已经登记。",
    "This key is not known.": "密钥无效。",
    "This needs a key.": "此操作须带密钥。",
    "Only officials may change the register.": "只有工作人员可以更改登记簿。",
    "A request with this Idempotency-Key is still under way.": "此 Idempotency-Key 的前一请求尚未完成。",
    "Send it again in a moment to get its answer.": "请稍后重发，即可得到其答复。",
    "A correction says which version it was made on.": "更正须说明所依据的版本。",
    "Read the project first and send its ETag in If-Match.": "请先读取该项目，再以 If-Match 发送其 ETag。",
    "The form does not say which version it was made on.": "表单没有说明所依据的版本。",
    "Open the page again.": "请重新打开页面。",
    "This key lacks the scope “{scope}”.": "此密钥没有范围“{scope}”。",
    "Use a key that has it, or ask your administrator for one; what is public is read without a key.": (
        "请使用具有该范围的密钥，或请管理员新建；公开内容不带密钥即可读取。"
    ),
    "A change with a sign-in's cookie must come from a page of this register.": (
        "以登录状态更改须由本登记簿的页面发出。"
    ),
    "Send it from a page of this register, or with a key in Authorization.": (
        "请由本登记簿的页面发出，或在 Authorization 中带密钥。"
    ),
    "The form was not sent from a page of this register.": "表单不是从本登记簿的页面发出的。",
    "The body is larger than {size} KiB.": "请求内容超过 {size} KiB。",
    "Change at least one field.": "请至少改动一项。",
    "Choose a CSV, XLSX or JSONL file.": "请选择 CSV、XLSX 或 JSONL 文件。",
    "Choose it again.": "请重新选择。",
    "Correct it on its own page.": "请在该项目的页面上更正。",
    "Open the page again and send the form once more; cookies must be allowed.": (
        "请重新打开页面再提交；须允许使用 Cookie。"
    ),
    "Send fewer items at once, or split the file.": "请减少每次的条数，或拆分文件。",
    "Send “Authorization: Bearer KEY”; see docs/api.md for the key.": (
        "请发送“Authorization: Bearer 密钥”；密钥见 docs/api.md。"
    ),
    "Split it, or use `threegates projects import` on the server.": (
        "请拆分文件，或在服务器上运行 threegates projects import。"
    ),
    "Switch to the view of an official.": "请改以工作人员身份查看。",
    "Write it like 2014-06-01.": "请写成 2014-06-01。",
    # reviewing, suspected projects
    "No decision was chosen.": "没有选择结论。",
    "Choose one of those offered.": "请从所列各项中选择。",
    "No registered project has this code or number.": "没有登记项目使用此代码或编号。",
    "Copy it from the project's page.": "请从该项目的页面上复制。",
    "This change says which version it was made on.": "此项更改须说明所依据的版本。",
    "Read it first and send its ETag in If-Match.": "请先读取，再以 If-Match 发送其 ETag。",
    # the gate
    "The file holds no question.": "文件中没有待核查的行。",
    "Fill in the template, one question a row.": "请按模板填写，每行一笔。",
    "The file is larger than 12 MB.": "文件超过 12 MB。",
    # search
    "A page has 1 to {most} results.": "每页 1 至 {most} 条。",
    "The query has {length} characters; at most {most} are searched for.": "检索词有 {length} 个字符，最多 {most} 个。",
    "Search for a name, a code or a document number.": "请检索名称、代码或文号。",
    "There is no facet “{name}”.": "没有筛选项“{name}”。",
    "Facets: {names}.": "筛选项有：{names}。",
    "“{name}” is true or false.": "“{name}”只能是 true 或 false。",
    "Too many or too long values of “{name}”.": "“{name}”的取值过多或过长。",
    "THREEGATES_ELASTICSEARCH_URL is not set.": "没有设置 THREEGATES_ELASTICSEARCH_URL。",
    "`threegates up` runs an Elasticsearch by itself; or point the variable at one of version 9.": (
        "threegates up 会自行运行 Elasticsearch；也可让该变量指向一台 9 版服务器。"
    ),
    "Elasticsearch refuses this process ({status}).": "检索服务拒绝本程序（{status}）。",
    "Check THREEGATES_ELASTICSEARCH_API_KEY and the rights of its role on the indices.": (
        "请检查 THREEGATES_ELASTICSEARCH_API_KEY 及其角色对索引的权限。"
    ),
    "The certificate of Elasticsearch cannot be verified.": "无法核实检索服务的证书。",
    "Name its certificate authority in THREEGATES_ELASTICSEARCH_CA_FILE.": (
        "请在 THREEGATES_ELASTICSEARCH_CA_FILE 中指明其证书颁发机构。"
    ),
    "Elasticsearch does not answer.": "检索服务没有答复。",
    "Elasticsearch is too busy or not ready ({status}).": "检索服务繁忙或尚未就绪（{status}）。",
    "Try again; see `threegates doctor`.": "请稍后再试；可运行 threegates doctor 检查。",
    "Elasticsearch answered for {answered} of {asked} documents.": (
        "检索服务只答复了 {asked} 份文档中的 {answered} 份。"
    ),
    "Nothing was settled; the next run writes them again.": "未作结；下次会重新写入。",
}


def in_reader_language(text: str) -> str:
    """An error's message or remedy in the current language; what has no Chinese yet stays English."""
    if current_language() != "zh" or not text:
        return text
    return in_chinese(text, CHINESE) or text
