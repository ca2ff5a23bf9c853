"""The addresses of the admin pages, from the very map that answers them."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.routing import Map, Rule

from tests.running import Running
from tests.web.admin.world import Filled
from webhooks.admin.access import Needs, needs_of
from webhooks.app import create_app


@dataclass(frozen=True, slots=True)
class Route:
    """One address with one method.

    Attributes:
        needs: what it declares; None when nothing.
    """

    rule: Rule
    method: str
    needs: Needs | None

    @property
    def is_door(self) -> bool:
        """Tell whether people of a shop's backend come in here; doors have tests of their own."""
        return self.rule.rule.startswith(("/admin/shopify/", "/admin/wordpress/"))

    def paths(self, of: Mapping[str, list[str]]) -> Iterator[str]:
        """Fill in every combination of what may stand in the address.

        Args: of: what each part may be; a new kind of part is added there by whoever
            adds the page.
        """
        names = sorted(self.rule.arguments)
        unknown = [name for name in names if name not in of]
        assert not unknown, f"{self.rule}: say in `parts_of` what {unknown} may be"
        for values in itertools.product(*(of[name] for name in names)):
            # Numbers are numbers in one place and texts in another.
            filled: dict[str, Any] = dict(zip(names, values, strict=True))
            try:
                built = self.rule.build(filled)
            except ValueError:
                continue
            if built is not None:
                yield built[1]


def admin_routes(running: Running) -> list[Route]:
    """List every address of the admin pages with every method."""
    web = create_app(running.app, running.server.receiver)
    views: Mapping[str, Callable[..., Any]] = web.view_functions
    url_map: Map = web.url_map
    rules = [rule for rule in url_map.iter_rules() if rule.rule.startswith("/admin")]
    bound = url_map.bind("localhost")
    assert bound is not None
    return [
        Route(rule, method, needs_of(views[rule.endpoint]))
        for rule in sorted(rules, key=lambda one: (one.rule, one.endpoint))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def parts_of(shop: Filled) -> dict[str, list[str]]:
    """Tell what parts of addresses may be for one shop."""
    return {
        "shop_id": [shop.id],
        "ref": [shop.ref],
        "number": [str(shop.delivery), str(shop.dead_delivery)],
        "user_id": ["u-ana", "u-vera", "u-olga"],
        "name": ["admin.css"],
        "rule_id": [f"{shop.canary}-rule"],
        "version": ["1"],
        # Of the doors: nobody's.
        "client_id": ["none"],
        "token": ["none"],
    }


def mixed(ours: Filled, theirs: Filled) -> dict[str, list[str]]:
    """Tell what parts may be when the ids of both shops are tried in each place."""
    mine, other = parts_of(ours), parts_of(theirs)
    return {name: [*mine[name], *other[name]] for name in mine}
