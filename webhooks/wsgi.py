"""The receiver for a WSGI server of somebody else: `webhooks.wsgi:make_application()`.

Settings come from the environment, as for `postventa serve`; the work is done by
`postventa worker` beside it. To be called in the process that serves, after it was forked.
"""

import atexit
import contextlib
import os
import threading
from typing import Final

from connector.errors import StorageUnavailable
from connector.settings import load_settings
from webhooks.app import create_app
from webhooks.hook_path import HookPath, Wsgi
from webhooks.logs import set_up_logs
from webhooks.receive import Receiver
from webhooks.wiring import open_application

_FLUSH_S: Final = 5.0


def make_application() -> Wsgi:
    """Open the store and give the application; it closes when the process ends.

    Raises: ConfigurationError: a setting, the key file or the database is wrong.
    """
    settings = load_settings(os.environ)
    set_up_logs(settings.log_level)
    stack = contextlib.ExitStack()
    app = stack.enter_context(open_application(settings))
    receiver = Receiver(app)
    ending = threading.Event()

    def flush() -> None:
        """Keep the counts of refused requests in the store."""
        while not ending.wait(_FLUSH_S):
            with contextlib.suppress(StorageUnavailable):
                receiver.flush()

    def end() -> None:
        ending.set()
        with stack, contextlib.suppress(StorageUnavailable):
            receiver.flush()

    app.disk.hold_ballast()
    threading.Thread(target=flush, name="flush", daemon=True).start()
    atexit.register(end)
    return HookPath(receiver, create_app(app, receiver), body_limit=settings.body_limit_bytes)
