"""The frame of an HTML mail: the shop's name, the text, and a person to write to."""

from html import escape
from typing import Final

from connector.messages.markup import LINK_STYLE

# Nothing here is loaded from anywhere: no picture, no font, no script. The colors of the
# dark form repeat in `[data-ogsc]`, which some mail programs use in place of the query.
_DARK: Final = (
    ("body,.pv-page", "background:#16181a!important"),
    (".pv-card", "background:#1f2225!important;border-color:#34383c!important"),
    (".pv-card,.pv-card h2,.pv-card td,.pv-card p,.pv-card li", "color:#e9eaeb!important"),
    (".pv-shop", "color:#ffffff!important"),
    (".pv-panel", "background:#2a2e32!important;border-color:#41464b!important"),
    (".pv-line", "border-color:#34383c!important"),
    (".pv-link", "color:#9cc3ff!important"),
    (".pv-foot,.pv-foot p", "color:#aeb4b9!important"),
)
_FONT: Final = "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


def letter(fragment: str, *, language: str, shop_name: str, subject: str, foot: list[str]) -> str:
    """Put a fragment into a whole mail.

    Args: fragment: HTML that is safe already. foot: HTML paragraphs under the letter, safe
        already. The rest is plain text.
    """
    dark = "".join(f"{names}{{{rules}}}" for names, rules in _DARK)
    lines = "".join(f'<p style="margin:0 0 8px">{line}</p>' for line in foot)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="supported-color-schemes" content="light dark">\n'
        f"<title>{escape(subject)}</title>\n"
        "<style>:root{color-scheme:light dark}"
        f"@media (prefers-color-scheme:dark){{{dark}}}"
        "@media (max-width:480px){.pv-card{padding:20px 18px!important}"
        ".pv-page{padding:12px 8px!important}}</style></head>\n"
        '<body style="margin:0;padding:0;background:#f2f2ee">\n'
        '<div class="pv-page" style="background:#f2f2ee;padding:28px 12px">\n'
        '<div role="article" style="max-width:560px;margin:0 auto;'
        f'font-family:{_FONT};font-size:16px;line-height:1.55;color:#202124">\n'
        '<p class="pv-shop" style="margin:0 0 14px;padding:0 4px;font-size:20px;'
        f'font-weight:700;color:#202124;overflow-wrap:anywhere">{escape(shop_name)}</p>\n'
        '<div class="pv-card" style="background:#ffffff;border:1px solid #e4e4e0;'
        'border-radius:14px;padding:28px 28px 14px;overflow-wrap:anywhere">\n'
        f"{fragment}\n</div>\n"
        '<div class="pv-foot" style="padding:16px 4px 0;font-size:13px;line-height:1.5;'
        f'color:#5b6064;overflow-wrap:anywhere">{lines}</div>\n'
        "</div></div></body></html>\n"
    )


def link(address: str, words: str) -> str:
    """Write a link whose address and words are plain text."""
    return f'<a class="pv-link" href="{escape(address)}" style="{LINK_STYLE}">{escape(words)}</a>'
