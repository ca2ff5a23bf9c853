"""One unit of work: the verbs of all nouns on one connection."""

from adapters.storage.audit import Audit
from adapters.storage.effects import Effects
from adapters.storage.erasing import Erasing
from adapters.storage.history import History
from adapters.storage.inbox import Inbox
from adapters.storage.installs import Installs
from adapters.storage.ledger import Ledger
from adapters.storage.limits import Limits
from adapters.storage.listings import Listings
from adapters.storage.occurrences import Occurrences
from adapters.storage.orders import Orders
from adapters.storage.privacy import Privacy
from adapters.storage.reports import Reports
from adapters.storage.retention import Retention
from adapters.storage.rules import Rules
from adapters.storage.sessions import Sessions
from adapters.storage.shops import Shops
from adapters.storage.tickets import Tickets
from adapters.storage.users import Users


class SqlTransaction(
    Shops,
    Inbox,
    Orders,
    Occurrences,
    Rules,
    Effects,
    Ledger,
    Limits,
    Retention,
    Reports,
    Tickets,
    Users,
    Sessions,
    Audit,
    Listings,
    History,
    Installs,
    Privacy,
    Erasing,
):
    """Every verb of `connector.storage.port.Transaction`."""
