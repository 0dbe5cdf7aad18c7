"""What holds for all tests."""

from __future__ import annotations

import signal

# Programs that the tests start are sent signals. Under `nohup`, or with `&` in a script, they
# would inherit that these are ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
