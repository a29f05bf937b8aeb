"""The sources that everything in the demo names, with citation and licence."""

from deploy.demo.world import Json

GEM = "gem-gist-2025-09"
NOTICES = "public-notices"
SYNTHETIC = "demo-synthetic"


def _source(identifier: str, title: str, citation: str, licence: str, url: str, **flags: bool) -> Json:
    return {
        "id": identifier,
        "title": title,
        "citation": citation,
        "licence": licence,
        "url": url,
        "synthetic": flags.get("synthetic", False),
        "unverified": flags.get("unverified", False),
    }


SOURCES: list[Json] = [
    _source(
        GEM,
        "Global Iron and Steel Tracker, September 2025 (V1), plants in China",
        "Global Energy Monitor, Global Iron and Steel Tracker, September 2025 (V1) release; "
        "filtered to China and to part of the plants",
        "CC BY 4.0",
        "https://globalenergymonitor.org/projects/global-iron-and-steel-tracker/",
    ),
    _source(
        NOTICES,
        "公开公告及其新闻报道所载事实（未经核实） / Facts of public notices and press reports of them (unverified)",
        "Each notice names its issuer and the address it was read at; some dates are inferred",
        "facts, not protected; each row links to its source",
        "https://www.miit.gov.cn/",
        unverified=True,
    ),
    _source(
        SYNTHETIC,
        "演示用虚构数据 / Synthetic demonstration data",
        "Made by the threegates demo generator; describes no real act of any agency, company or person",
        "Apache-2.0",
        "",
        synthetic=True,
    ),
    _source(
        "regions-gb2260",
        "Region codes of China: counties of 2023 and their centres",
        "npm china-division 2.7.0 (National Bureau of Statistics, 2023); PyPI cpca 0.5.5 (centres)",
        "MIT (package metadata; the licence file in china-division is WTFPL 2)",
        "https://github.com/modood/Administrative-divisions-of-China",
    ),
    _source(
        "industries-gbt4754",
        "GB/T 4754 industrial classification, editions of 2011 and 2017",
        "国民经济行业分类 GB/T 4754-2011, GB/T 4754-2017",
        "national standard",
        "https://openstd.samr.gov.cn/",
    ),
]
