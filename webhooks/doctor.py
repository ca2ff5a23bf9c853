"""Look at everything an installation needs, and say what to mend."""

import os
import platform
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from connector.errors import PostventaError, RuleInvalid
from connector.settings import Settings, load_settings
from connector.storage.records import ShopRecord, ShopState
from webhooks.doctor_limits import limits, room
from webhooks.doctor_privacy import requests_of_people
from webhooks.finding import Finding
from webhooks.wiring import Application, key_path, open_application

_LOW_DISK: Final = 512 * 1024 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def examine(*, offline: bool = False) -> list[Finding]:
    """Look at everything.

    Args: offline: do not call the shops.
    """
    findings = [_python()]
    try:
        settings = load_settings(os.environ)
    except PostventaError as err:
        findings.append(Finding("settings", "bad", str(err), "See docs/reference/settings.md."))
        return findings
    findings.extend(_settings(settings))
    try:
        with open_application(settings) as app:
            findings.extend(_storage(app))
            findings.extend(room(app))
            findings.extend(limits(app))
            findings.append(_key_file(settings))
            findings.extend(_broker(app))
            findings.extend(_shops(app, offline=offline))
            findings.extend(mended(app))
            findings.extend(_ledgers(app))
            findings.extend(_rules(app))
            findings.extend(_rows(app))
            findings.extend(requests_of_people(app))
    except PostventaError as err:
        findings.append(Finding("database", "bad", str(err), "Postventa cannot start like this."))
    return findings


def _python() -> Finding:
    found = f"Python {platform.python_version()}"
    if platform.python_version_tuple()[:2] == ("3", "11"):
        return Finding("python", "ok", found)
    return Finding("python", "bad", found, "Run Postventa with Python 3.11.")


def _settings(settings: Settings) -> Iterator[Finding]:
    if not settings.base_url:
        yield Finding(
            "base URL",
            "bad",
            "POSTVENTA_BASE_URL is not set",
            "Set it to the address under which shops reach this server.",
        )
    elif urlsplit(settings.base_url).scheme != "https" and not settings.allow_private_hosts:
        yield Finding(
            "base URL",
            "bad",
            settings.base_url,
            "Put a proxy with TLS in front and write its https:// address: shops send "
            "the data of buyers there.",
        )
    else:
        yield Finding("base URL", "ok", settings.base_url)
    if settings.allow_private_hosts:
        yield Finding(
            "private hosts",
            "note",
            "shops on private addresses are allowed",
            "Unset POSTVENTA_ALLOW_PRIVATE_HOSTS outside of tests.",
        )
    if settings.allow_http:
        yield Finding(
            "plain HTTP",
            "note",
            "shop addresses without TLS are allowed",
            "Unset POSTVENTA_ALLOW_HTTP outside of tests.",
        )
    if not settings.smtp_url:
        yield Finding(
            "mail",
            "note",
            "no mail server: mails are kept in the database and not sent",
            "Set POSTVENTA_SMTP_URL when mails shall leave.",
        )
    yield _disk(settings.data_dir)


def _disk(folder: Path) -> Finding:
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    found = f"{free // (1024 * 1024)} MiB free"
    if free < _LOW_DISK:
        return Finding("disk", "bad", found, f"Make room on the disk of {folder}.")
    return Finding("disk", "ok", found)


def _storage(app: Application) -> Iterator[Finding]:
    facts = app.storage.facts()
    # A database that does not keep its word is refused before we come here.
    yield Finding("database", "ok", f"{facts.kind} {facts.version}")
    yield Finding(
        "durability", "ok", f"journal {facts.journal_mode}, synchronous {facts.synchronous}"
    )


def _broker(app: Application) -> Iterator[Finding]:
    url = app.settings.broker_url
    if not url:
        return
    from adapters.bells.celery.broker import trouble

    if wrong := trouble(url):
        yield Finding(
            "broker",
            "bad",
            f"cannot be reached ({wrong})",
            "Start it or correct POSTVENTA_BROKER_URL. Meanwhile nothing is lost: workers "
            "look every few seconds.",
        )
    else:
        yield Finding("broker", "ok", "answers")
    if app.storage.facts().kind == "sqlite":
        yield Finding(
            "broker",
            "note",
            "the database is SQLite, which one machine alone can use",
            "Set POSTVENTA_DATABASE_URL to a PostgreSQL server for workers on other machines.",
        )


def _key_file(settings: Settings) -> Finding:
    path = key_path(settings)
    mode = path.stat().st_mode
    if mode & _OTHERS:
        return Finding(
            "key file",
            "bad",
            f"others may read {path}",
            f"chmod 600 {path}; it opens the shop keys in the database.",
        )
    return Finding("key file", "ok", str(path), "Keep a copy of it apart from the database.")


def _shops(app: Application, *, offline: bool) -> Iterator[Finding]:
    with app.storage.reading() as tx:
        shops = tx.shops()
    if not shops:
        yield Finding("shops", "note", "none is connected", "See `postventa shops add --help`.")
    for shop in shops:
        yield from _shop(app, shop, offline=offline)


def _shop(app: Application, shop: ShopRecord, *, offline: bool) -> Iterator[Finding]:
    from webhooks.install.wording import text
    from webhooks.shops import check_shop

    what = f"shop {shop.id}"
    if offline:
        if shop.state is ShopState.CONNECTED:
            yield Finding(what, "ok", f"{shop.name}: not called")
        else:
            mend = f"Run: postventa shops check {shop.id}"
            yield Finding(what, "bad", f"{shop.name}: {shop.state}", mend)
        return
    try:
        done = check_shop(app, shop.id)
    except PostventaError as err:
        yield Finding(what, "bad", f"{shop.name}: {err}", f"postventa shops check {shop.id}")
        return
    if done["problems"]:
        yield Finding(what, "bad", f"{shop.name}: {done['state']}", " ".join(done["problems"]))
    else:
        active = len(done["registered"])
        yield Finding(what, "ok", f"{shop.name}: key works, {active} webhooks active")
    for name, state in done.get("looks", {}).items():
        # What is bad is among the problems; these are the words of the first look.
        if state == "note":
            title = text("en", "check", name, "title")
            yield Finding(what, "note", f"{shop.name}: {title}", text("en", "check", name, state))


def mended(app: Application) -> Iterator[Finding]:
    """Tell of webhooks that were found off in the last seven days and mended."""
    from webhooks.ledger_lines import ledger_line

    with app.storage.reading() as tx:
        lines = {shop.id: ledger_line(tx, shop, app.clock.now()) for shop in tx.shops()}
    for shop_id, line in lines.items():
        repairs = line["webhook_repairs"]
        if repairs:
            told = [f"{one['topic']} was {one['was']}, {one['repaired_at']}" for one in repairs]
            yield Finding(
                f"webhooks of {shop_id}",
                "note",
                f"mended: {'; '.join(told)}",
                "Was this server down or unreachable then? Shops stop webhooks that fail.",
            )


def _ledgers(app: Application) -> Iterator[Finding]:
    from webhooks.ledger_lines import ledger_line, ledger_words

    with app.storage.reading() as tx:
        lines = {shop.id: ledger_line(tx, shop, app.clock.now()) for shop in tx.shops()}
    for shop_id, line in lines.items():
        differ = [day["day"] for day in line["ledger"] if day["shop_says"] != day["we_hold"]]
        what, found = f"ledger of {shop_id}", ledger_words(line)
        if differ:
            yield Finding(
                what,
                "bad",
                f"{found}; differs on {', '.join(differ)}",
                f"Run: postventa reconcile --shop {shop_id} --since {differ[0]}",
            )
        else:
            yield Finding(what, "ok" if line["ledger"] else "note", found)


def _rules(app: Application) -> Iterator[Finding]:
    from connector.rules.load import rule_from_source

    with app.storage.reading() as tx:
        records = [record for shop in tx.shops() for record in tx.rules(shop.id)]
    bad = 0
    for record in records:
        try:
            rule_from_source(record.source)
        except RuleInvalid as err:
            bad += 1
            yield Finding(
                f"rule {record.rule_id}",
                "bad",
                f"shop {record.shop_id}: cannot be read and does not run: {err}",
                "Import it anew: postventa rules import",
            )
    enabled = sum(record.enabled for record in records)
    if not bad:
        yield Finding("rules", "ok", f"{len(records)} stored, {enabled} enabled")


def _rows(app: Application) -> Iterator[Finding]:
    from connector.jobs.switch import KILL_SWITCH

    with app.storage.reading() as tx:
        counts = tx.counts()
        stopped = tx.value(KILL_SWITCH)
    deliveries = {str(state): number for state, number in counts.deliveries.items()}
    effects = {str(state): number for state, number in counts.effects.items()}
    dead = deliveries.get("dead", 0) + effects.get("dead", 0)
    if dead:
        yield Finding(
            "dead letters",
            "bad",
            f"{dead} need a person",
            "See `postventa dead-letters list`; then `postventa dead-letters retry ID`.",
        )
    else:
        yield Finding("dead letters", "ok", "none")
    if stopped:
        yield Finding(
            "effects", "bad", f"stopped since {stopped}", "Go on with: postventa effects start"
        )
    if counts.rejected:
        yield Finding(
            "refused requests",
            "note",
            f"{counts.rejected} webhook requests were refused so far",
            "Many of them: compare the webhook secret in the shop, or run "
            "`postventa shops check ID --mend`.",
        )
