"""More rows for the table in mutations.py: what is said to whom, and what is shown of it.

Each is name, file, old, new, what is gone, and the tests that must notice.
"""

from __future__ import annotations

ADVISORIES = ("test_advisories_requests.py",)
CUSTOM = ("test_custom.py",)
PROXY = ("test_proxy.py",)
REDIRECTS = ("faults/test_redirects.py",)

ROWS: list[tuple[str, str, str, str, str, tuple[str, ...]]] = [
    (
        "headers-cross-origins",
        "fetch/redirects.py",
        "headers = ()  # what was said to one origin is not for another",
        "pass",
        "what was said to one origin is not for another",
        ADVISORIES,
    ),
    (
        "an-origin-is-a-host",
        "fetch/redirects.py",
        "if target.origin() != url.origin():",
        "if target.host != url.host:",
        "another port or scheme is another origin",
        ADVISORIES,
    ),
    (
        "location-tells-its-password",
        "fetch/redirects.py",
        "{visible(location, 200)!r}",
        "{location[:200]!r}",
        "a bad Location is told without its password",
        REDIRECTS,
    ),
    (
        "robots-told-everything",
        "fetch/fetcher.py",
        "headers = self._secrets.own if listed else ()",
        "headers = self._secrets.own",
        "the robots.txt of an origin that is not listed is told nothing",
        ADVISORIES,
    ),
    (
        "two-authorizations",
        "fetch/secrets.py",
        "return bare, (*self._but_authorization, own)",
        "return bare, (*self.own, own)",
        "a password of the URL goes before one for all",
        ADVISORIES,
    ),
    (
        "netrc-and-proxies-of-the-environment",
        "fetch/connections.py",
        "auto_decompress=False,",
        "auto_decompress=False, trust_env=True,",
        "neither .netrc nor the environment have a say",
        ADVISORIES,
    ),
    (
        "cookies-kept",
        "fetch/connections.py",
        "cookie_jar=aiohttp.DummyCookieJar(),",
        "cookie_jar=aiohttp.CookieJar(unsafe=True),",
        "cookies that servers set are dropped",
        ADVISORIES,
    ),
    (
        "proxy-told-in-the-tunnel",
        "fetch/proxy.py",
        'return self._secret if target.scheme == "http" else ()',
        "return self._secret",
        "what the proxy is told is not said to the server behind the tunnel",
        ADVISORIES,
    ),
    (
        "proxy-may-lead-inside",
        "fetch/connections.py",
        "await check_host(url)",
        "pass",
        "a proxy is not asked for private addresses that a socket would be kept from",
        PROXY,
    ),
    (
        "proxy-must-be-public",
        "fetch/connections.py",
        "if self._proxy is None:\n            check_address(str(host))",
        "check_address(str(host))",
        "the proxy itself may be private",
        PROXY,
    ),
    (
        "proxy-without-a-name-blames-the-host",
        "fetch/connections.py",
        'raise ProxyNameError(f"{exc.host}: {exc.strerror}") from exc',
        "raise",
        "a proxy whose name means nothing is no fault of the host",
        PROXY,
    ),
    (
        "refused-proxy-is-a-refused-host",
        "fetch/failures.py",
        "case aiohttp.ClientProxyConnectionError():",
        "case str():",
        "a proxy that is not there is no fault of the host",
        PROXY,
    ),
    (
        "header-injection",
        "custom.py",
        "if _UNFIT.search(text):",
        "if False:",
        "no control character stands in a header",
        CUSTOM,
    ),
    (
        "any-header-may-be-set",
        "custom.py",
        "if why := _OURS.get(name.lower()):",
        "if why := _OURS.get(name):",
        "headers that make another request of it are refused in any spelling",
        CUSTOM,
    ),
    (
        "files-of-files",
        "custom.py",
        'if line.startswith("@"):',
        "if False:",
        "a file of headers names no other file",
        CUSTOM,
    ),
    (
        "endless-file-of-headers",
        "custom.py",
        "if len(data) > MAX_FILE:",
        "if False:",
        "a file of headers is bounded",
        CUSTOM,
    ),
    (
        "proxy-tells-its-password",
        "custom.py",
        'raise ValueError(f"{visible(text)}: {why',
        'raise ValueError(f"{text}: {why',
        "a bad proxy is told without its password",
        CUSTOM,
    ),
    (
        "options-stored-with-secrets",
        "settings.py",
        "if mask is not None and value:",
        "if False:",
        "options are stored without their secrets",
        CUSTOM,
    ),
    (
        "command-shown-with-secrets",
        "settings.py",
        "if word.endswith(text):",
        "if word == text:",
        "a secret is masked also where it stands in one word with its flag",
        CUSTOM,
    ),
    (
        "wrong-kind-shown-with-secrets",
        "config.py",
        "if option.option.mask else",
        "if False else",
        "a wrong value in TOML that may be a secret is not repeated",
        CUSTOM,
    ),
]
