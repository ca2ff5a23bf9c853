"""One module a page; each declares who may see it."""

from typing import Final

from webhooks.admin.pages.account import pages as account_pages
from webhooks.admin.pages.audit import pages as audit_pages
from webhooks.admin.pages.effects import pages as effects_pages
from webhooks.admin.pages.entrance import pages as entrance_pages
from webhooks.admin.pages.home import pages as home_pages
from webhooks.admin.pages.orders import pages as orders_pages
from webhooks.admin.pages.shops import pages as shops_pages
from webhooks.admin.pages.static import pages as static_pages
from webhooks.admin.pages.timeline import pages as timeline_pages
from webhooks.admin.pages.users import pages as users_pages
from webhooks.install.console import pages as connect_pages
from webhooks.install.entrance import pages as wordpress_pages
from webhooks.install.shopify_pages import pages as shopify_pages

PAGES: Final = (
    static_pages,
    entrance_pages,
    wordpress_pages,
    shopify_pages,
    connect_pages,
    home_pages,
    orders_pages,
    timeline_pages,
    effects_pages,
    shops_pages,
    users_pages,
    account_pages,
    audit_pages,
)
"""Every page; a test walks the addresses and asks each for what it needs."""
