"""A comment as a page: GitHub's own Markdown, what its sanitiser lets through, and its style."""

import sys

import cmarkgfm
import nh3
from cmarkgfm.cmark import Options

TAGS = set(
    "h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p ol ul table thead tbody tfoot blockquote"
    " dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption abbr bdo cite"
    " dfn mark small span time wbr".split()
)
BACKGROUND = {"light": "#ffffff", "dark": "#0d1117"}


def main(path: str, theme: str, folds: str, css: str) -> None:
    with open(path, encoding="utf-8") as file:
        markdown = file.read()
    # Comments keep line ends as breaks.
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_GITHUB_PRE_LANG
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options)
    html = nh3.clean(html, tags=TAGS, attributes={"*": {"align", "open"}, "a": {"href"}})
    if folds == "open":
        html = html.replace("<details>", "<details open>")
    with open(css, encoding="utf-8") as file:
        style = file.read()
    print(
        f'<!doctype html><meta charset="utf-8"><style>{style}</style>'
        f'<body style="margin:0;background:{BACKGROUND[theme]}">'
        f'<article class="markdown-body" style="max-width:880px;margin:24px auto;font-size:14px">{html}</article>'
    )


main(*sys.argv[1:])
