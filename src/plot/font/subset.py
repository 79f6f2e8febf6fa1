"""Makes the two fonts of this folder from Roboto: `python3 subset.py FOLDER-OF-ROBOTO-TTF`.

Needs fonttools 4.x. Kerning and hinting go, so that a browser and our own painter set a text to
the same width; line metrics become 1.24 em, the factor between plotters' font size and an em.
"""

import sys
from fontTools import subset
from fontTools.ttLib import TTFont

CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x100), *map(ord, "µμ×÷–—…·≥≤±−‘’“”•")]


def shrink(source, target):
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, desubroutinize=True)
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "kern", "DSIG", "gasp", "hdmx", "VDMX", "LTSH"]
    font = TTFont(source, recalcTimestamp=False)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=CHARACTERS)
    cut.subset(font)
    em = font["head"].unitsPerEm
    font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = round(0.98 * em), -round(0.26 * em), 0
    os2 = font["OS/2"]
    os2.sTypoAscender, os2.sTypoDescender, os2.sTypoLineGap = round(0.98 * em), -round(0.26 * em), 0
    font.save(target)
    missing = [chr(c) for c in CHARACTERS if c not in font.getBestCmap()]
    print(target, "without", missing)


for weight in ["Regular", "Bold"]:
    shrink(f"{sys.argv[1]}/Roboto-{weight}.ttf", f"Roboto-{weight}-subset.ttf")
