"""Why a feed could not be read or is held, in Chinese: every sentence of their errors, and each kind."""

from typing import Final

from registry.error_words import in_chinese, one_in_chinese

# kind of error -> (Chinese, English): enough for whoever may not see the agency's address
KINDS: Final[dict[str, tuple[str, str]]] = {
    "FeedError": ("机构的系统未按约定答复。", "The agency's system does not answer as agreed."),
    "FeedUnreachable": ("无法连接机构的系统，或其只以错误答复。", "The agency's system cannot be reached, or fails."),
    "FeedTooSlow": (
        "机构的系统未在规定时间内答复完毕。",
        "The agency's answer did not arrive in time.",
    ),
    "FeedTooLarge": ("机构的答复大于允许的大小。", "The agency's answer is larger than allowed."),
    "FeedRefused": ("机构的系统不接受我方凭证。", "The agency does not accept the credential."),
    "FeedOffHost": ("数据指向未获允许的主机。", "The feed points at a host that is not allowed."),
    "FeedUnreadable": ("机构的答复无法按约定格式读取。", "The agency's answer is not in the agreed format."),
    "FeedHeld": ("机构的答复自相矛盾。", "The agency's answer contradicts itself."),
    "CheckpointExpired": (
        "机构的系统已不认得上次中断之处，将重新读取。",
        "The agency no longer knows where the last run stopped; it is read anew.",
    ),
}

SENTENCES: Final[dict[str, str]] = {
    # what went wrong
    "Asked for page {asked}, the agency sent page {sent}.": "请求第 {asked} 页，机构发来的却是第 {sent} 页。",
    "The address is http, which anyone on the way can read and change.": "地址为 http，途中任何人都能查看和篡改。",
    "The address is not http(s)://host[:port]/path.": "地址不是 http(s)://主机[:端口]/路径 的形式。",
    "The agency answers with status {status}.": "机构的系统答复状态码 {status}。",
    "The agency cannot be reached.": "无法连接机构的系统。",
    "The agency does not accept the credential (status {status}).": "机构的系统不接受我方凭证（状态码 {status}）。",
    "The agency does not accept the credential.": "机构的系统不接受我方凭证。",
    "The agency no longer knows where the last run stopped.": "机构的系统已不认得上次中断之处。",
    "The agency redirects to {address} ; redirects are not followed.": "机构的系统转向 {address}；不予跟随。",
    "The agency states {claimed} records and sent {received}.": "机构声明有 {claimed} 条记录，实际发来 {received} 条。",
    "The agency was silent for {seconds} seconds.": "机构的系统已有 {seconds} 秒没有回应。",
    "The agency's certificate is not valid.": "机构的证书无效。",
    "The agency's pages go in a circle or are empty.": "机构的分页循环往复，或为空页。",
    "The answer does not state a number at {place}, but {value}.": "答复在 {place} 处应为数，却是 {value}。",
    "The answer has more than {most} bytes.": "答复超过 {most} 字节。",
    "The answer has more than {most} parts.": "答复超过 {most} 个部分。",
    "The answer has no list at {place}.": "答复在 {place} 处没有列表。",
    "The answer holds a DTD or entities ({why}), which are never read.": "答复含有 DTD 或实体（{why}），一律不读。",
    "The answer is empty.": "答复是空的。",
    "The answer is in an encoding that cannot be read ({why}).": "答复的编码无法读取（{why}）。",
    "The answer is not HTTP as it should be ({why}).": "答复不符合 HTTP 规范（{why}）。",
    "The answer is not JSON ({why}).": "答复不是 JSON（{why}）。",
    "The answer is not JSON, breaks off, or has no list at {place}.": (
        "答复不是 JSON、已中断，或在 {place} 处没有列表。"
    ),
    "The answer is not XML, or breaks off (line {line}, column {column}).": (
        "答复不是 XML，或已中断（第 {line} 行第 {column} 列）。"
    ),
    "The answer is not sound gzip.": "答复不是完好的 gzip。",
    "The answer is packed in a way that was not asked for.": "答复的压缩方式并非所请求。",
    "The answer was not complete after {seconds} seconds.": "{seconds} 秒后答复仍不完整。",
    "The connection broke off.": "连接中断。",
    "The feed points at {address}, which is not allowed.": "数据指向 {address}，未获允许。",
    "The file has no header ({why}).": "文件没有表头（{why}）。",
    "The file is empty: not even its header is there.": "文件是空的，连表头也没有。",
    "The file's SHA-256 is not the one that the listing states.": "文件的 SHA-256 与清单所载不符。",
    "The gzip stream breaks off.": "gzip 数据中断。",
    "The header has a column without name or a name twice.": "表头有无名的列或重名的列。",
    "The header is not {encoding}.": "表头不是 {encoding} 编码。",
    "The header lacks the key {names}.": "表头缺少主键 {names}。",
    "The listing has a file without a name.": "清单中有文件没有名称。",
    "The listing has no list at {place}.": "清单在 {place} 处没有列表。",
    "The listing is empty.": "清单是空的。",
    "The listing is not JSON.": "清单不是 JSON。",
    "The listing lacks address or checksum of {name}.": "清单缺少 {name} 的地址或校验和。",
    "The listing names a file twice.": "清单重复列出同一文件。",
    "The listing states {size} bytes; {came} came.": "清单载明 {size} 字节，实际收到 {came} 字节。",
    "The listing states {claimed} files and names {named}.": "清单载明 {claimed} 个文件，实际列出 {named} 个。",
    "The listing states {stated} rows; the file has {rows}.": "清单载明 {stated} 行，文件实有 {rows} 行。",
    "The next cursor is {cursor}.": "下一页标记是 {cursor}。",
    "The token endpoint gave no token at {place}.": "令牌地址未在 {place} 处给出令牌。",
    "Unpacked, the answer has more than {most} bytes.": "答复解压后超过 {most} 字节。",
    "The listing's time of {file} cannot be read ({why}).": "清单中 {file} 的时间无法读取（{why}）。",
    "Overtaken by run {run}.": "已由第 {run} 次同步接替。",
    # what to do
    "Ask for smaller pages (paging.size in the agency.yml).": "请减小每页条数（agency.yml 的 paging.size）。",
    "Ask for smaller pages (paging.size), or raise {limit} in the agency.yml.": (
        "请减小每页条数（paging.size），或在 agency.yml 中增大 {limit}。"
    ),
    "Ask the agency for UTF-8.": "请机构改用 UTF-8。",
    "Ask the agency for a correct header.": "请机构提供正确的表头。",
    "Ask the agency for plain XML.": "请机构提供普通的 XML。",
    "Ask the agency, or name its certificate authority as ca_file in the agency.yml.": (
        "请询问机构，或在 agency.yml 的 ca_file 中指明其证书颁发机构。"
    ),
    "Ask the agency.": "请询问机构。",
    "Ask the agency; nothing was changed.": "请询问机构；未作任何更改。",
    "Ask the agency; the answer breaks its own format.": "请询问机构：答复不符合其自身的格式。",
    "Ask the agency; the next run asks again from here.": "请询问机构；下次同步由此处继续。",
    "Check address and network; the next run tries again.": "请检查地址和网络；下次同步会再试。",
    "Check {names}.": "请检查 {names}。",
    "Compare authentication.token in the agency.yml with the agency's documentation.": (
        "请对照机构的文档检查 agency.yml 的 authentication.token。"
    ),
    "Compare {part} in the agency.yml with an answer of the agency.": "请对照机构的答复检查 agency.yml 的 {part}。",
    "Compare path and parameters in the agency.yml with the agency's documentation.": (
        "请对照机构的文档检查 agency.yml 的路径和参数。"
    ),
    "Compare the agency.yml with the file; the encoding may be another one.": (
        "请对照文件检查 agency.yml；编码可能不同。"
    ),
    "Correct it; credentials belong into authentication.": "请改正；凭证应写在 authentication 中。",
    "Correct {part} in the agency.yml.": "请改正 agency.yml 的 {part}。",
    "Held for a person: ask the agency; what was stored before stays and nothing is retired.": (
        "待人工核实：请询问机构；原有内容不变，不删除任何记录。"
    ),
    "Start the run anew.": "请重新开始同步。",
    "The next run tries again; ask the agency if it lasts.": "下次同步会再试；若持续如此，请询问机构。",
    "Use https, or set plain_http: true in a closed network.": "请改用 https；封闭网络内可设 plain_http: true。",
    "Where that is right, add the host to egress in the agency.yml.": "若属实，请把该主机加入 agency.yml 的 egress。",
    "Where that is right, raise {limit} in the agency.yml.": "若属实，请在 agency.yml 中增大 {limit}。",
    "Where the feed has moved, change the address in the agency.yml.": "若地址已变，请更改 agency.yml 中的地址。",
}


def feed_words(error: str, language: str) -> str:
    """An error of a feed as it is kept (kind: place: message remedy) in the words of a reader, zh or en.

    The place is left out: it is the agency's address, which status and logs name elsewhere. What has no Chinese is
    said by its kind.
    """
    if not error:
        return ""
    kind, _, told = error.partition(": ")
    if kind not in KINDS:
        kind, told = "FeedError", error
    words = _after_the_place(told)
    if language == "en":
        return words or KINDS[kind][1]
    return in_chinese(words, SENTENCES) or KINDS[kind][0]


def _after_the_place(told: str) -> str:
    """The sentences alone: from the first point on at which a known one begins."""
    rest = told
    while rest:
        head = rest.split(". ")[0].removesuffix(".") + "."
        if one_in_chinese(head, SENTENCES) is not None:
            return rest
        _, found, rest = rest.partition(": ")
        if not found:
            break
    return told
