"""`make fonts`: the letters that a report needs, cut out of Debian's Noto fonts (fonts-noto-core, fonts-noto-cjk).

Chinese takes most of the room. Kept are the 3,755 commonest characters (level 1 of GB 2312), those of our own texts,
and some that names are made of.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from fontTools import subset

from model.taxonomy import load_taxonomy
from serve.texts import FOLDER as TEXTS

OUT: Final = Path(__file__).parent / "fonts"
NOTO: Final = Path("/usr/share/fonts")

EUROPEAN: Final = (
    *range(0x20, 0x7F), *range(0xA0, 0x180), 0x1A0, 0x1A1, 0x1AF, 0x1B0, *range(0x218, 0x21C), *range(0x300, 0x310),
    0x323, 0x327, *range(0x384, 0x3CF), *range(0x400, 0x460), 0x490, 0x491, *range(0x1E80, 0x1E86),
    *range(0x1EA0, 0x1EFA), *range(0x2010, 0x2016), *range(0x2018, 0x2023), 0x2026, *range(0x2030, 0x203B), 0x20AC,
    0x2116, 0x2122, *range(0x2190, 0x2194), 0x2212, 0x2264, 0x2265,
)  # fmt: skip
LATIN: Final = tuple(range(0x20, 0x7F))
ARABIC: Final = (*range(0x600, 0x700), *range(0x200C, 0x2010))
CHINESE_MARKS: Final = (0xB7, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, *range(0x3001, 0x3020),
                        *range(0xFF01, 0xFF5F), 0xFFE5)  # fmt: skip
IN_NAMES: Final = (
    "佟邱邵邹郝郭闫阎晁翟臧瞿滕缪蔺裘芮卞祁宓荀仝邢邬邸郗郦郜邴亓仉佘冼娄嵇昝晏桓殷沐漆濮尉蒯阙麴"
    "婷娜琪瑶琳珊玥昊晗梓涵熙轩钰鑫淼祎烨炜煜嫣妍颖嘉怡欣彤璐璇珂瑾瑜璟琛琨珉晟昕旻曦骏骞翊翀翰睿诚铭锴镕"
    "茜莎莉蕾薇芸芷苒茗菁菡萱蓓馨淇沁沛泓洵浩渝湘滢潇澜濂灏炫焓焱熠燊姝娟娅婕婧婵嫒妤妮媛彦彬征徽忻恺悦惟"
)


def main(noto: Path) -> None:
    """Write the subsets to `fonts/`."""
    truetype, cjk = noto / "truetype/noto", noto / "opentype/noto/NotoSansCJK-Regular.ttc"
    for name, letters in (("Sans-Regular", EUROPEAN), ("Sans-Bold", EUROPEAN), ("Sans-Italic", LATIN),
                          ("SansArabic-Regular", ARABIC), ("SansArabic-Bold", ARABIC)):  # fmt: skip
        _cut(truetype / f"Noto{name}.ttf", OUT / f"Noto{name}.ttf", letters)
    _cut(cjk, OUT / "NotoSansSC-Regular.otf", chinese(), face=2)


def chinese() -> tuple[int, ...]:
    """Code points of the Chinese characters that are kept."""
    taxonomy = load_taxonomy()
    ours = (TEXTS / "zh.yaml").read_text(encoding="utf-8") + "".join(
        taxonomy.name(key, "zh") + "".join(taxonomy.checks(key, "zh")) for key in taxonomy
    )
    cells = (bytes((row, column)) for row in range(0xB0, 0xD8) for column in range(0xA1, 0xFF))
    commonest = "".join(cell.decode("gb2312", "ignore") for cell in cells)
    letters = {ord(letter) for letter in ours + commonest + IN_NAMES}
    return (*CHINESE_MARKS, *sorted(point for point in letters if 0x4E00 <= point < 0xA000))


def _cut(source: Path, target: Path, letters: tuple[int, ...], face: int = -1) -> None:
    options = subset.Options(font_number=face, hinting=False, notdef_outline=True)
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    subset.save_font(font, target, options)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTO)
