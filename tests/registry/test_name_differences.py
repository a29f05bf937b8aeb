"""Names side by side: what differs, what is only written otherwise, what nobody sees."""

import pytest

from registry.name_differences import compare_names

SAME, DIFFERS, WRITTEN, UNSEEN = "same", "differs", "written", "unseen"


@pytest.mark.parametrize(
    ("one", "other", "pieces", "equal"),
    [
        ("唐山甲钢厂", "唐山甲钢厂", [("唐山甲钢厂", SAME)], True),
        ("唐山甲鋼鐵公司", "唐山甲钢铁有限公司", [("唐山甲", SAME), ("鋼鐵", WRITTEN), ("公司", SAME)], False),
        (
            "甲\u200b钢\u2060铁",
            "甲钢铁",
            [("甲", SAME), ("U+200B", UNSEEN), ("钢", SAME), ("U+2060", UNSEEN), ("铁", SAME)],
            True,
        ),
        ("年产１００万吨", "年产100万吨", [("年产", SAME), ("１００", WRITTEN), ("万吨", SAME)], True),
        (
            "甲（集团）钢铁",
            "甲集团钢铁",
            [("甲", SAME), ("（", WRITTEN), ("集团", SAME), ("）", WRITTEN), ("钢铁", SAME)],
            True,
        ),
        ("合信示例", "宝信示例", [("合", DIFFERS), ("信示例", SAME)], False),
        ("", "甲", [], False),
    ],
)
def test_pieces(one: str, other: str, pieces: list[tuple[str, str]], equal: bool) -> None:
    pair = compare_names(one, other)
    assert ([(piece.text, piece.kind) for piece in pair.one], pair.equal) == (pieces, equal)


def test_the_pieces_of_both_sides_say_what_is_theirs() -> None:
    pair = compare_names("唐山甲公司", "唐山甲有限公司")
    assert [(piece.text, piece.kind) for piece in pair.other if piece.kind != SAME] == [("有限", DIFFERS)]
    assert not pair.undone


def test_what_was_undone_is_a_disguise_only_where_it_hides() -> None:
    assert compare_names("甲\u200b钢铁", "甲钢铁").disguised
    assert not compare_names("甲（钢铁）", "甲钢铁").disguised


def test_a_text_that_is_no_name_is_cut() -> None:
    assert sum(len(piece.text) for piece in compare_names("甲" * 5000, "乙" * 5000).one) == 300
