"""Which addresses a source may talk to: public ones, and the one that an operator wrote into the sources file.

What a platform names, a redirect, a link or a hub, is somebody else's word. It must not make us ask the machines of
our own network (server-side request forgery). What counts is the address that is connected to: it is looked at after
resolving, and the connection goes to exactly that address, so a name that answers differently a moment later gains
nothing.
"""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_NAT64 = ip_network("64:ff9b::/96")


class NotPublic(OSError):
    """The address is not to be talked to."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.EACCES, f"{host} is not a public address")


def public(address: str) -> bool:
    """Tell whether `address` (an IP) is a machine of the Internet, whatever it is wrapped in.

    >>> [public(one) for one in ("1.1.1.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1")]
    [True, False, False, False, False]
    """
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def place(url: str) -> tuple[str, int]:
    """Return host and port of a URL.

    Raises:
        ValueError: it is no address of the web.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no address of the web")
    return parts.hostname.lower(), parts.port or _PORTS[parts.scheme]


class Guard(AbstractResolver):
    """Resolves names and makes sockets, and refuses both where the address is neither public nor among `allowed`.

    The proxies of the environment are an operator's word as well; behind one, it is the proxy that resolves.
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        proxies = [url if "://" in url else f"http://{url}" for name, url in getproxies().items() if name in _PORTS]
        self._allowed = {place(url) for url in (*allowed, *proxies)}
        self._resolved: set[tuple[str, int]] = set(self._allowed)
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            NotPublic: one of them is not public.
            OSError: it has none.
        """
        found = await self._resolver.resolve(host, port, family)
        if (host.lower(), port) in self._allowed:
            self._resolved |= {(one["host"], port) for one in found}
        elif not all(public(one["host"]) for one in found):
            raise NotPublic(host)
        return found

    async def close(self) -> None:
        """Release what resolving needs."""
        await self._resolver.close()

    def socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Return a socket for the address of `info`: the last look, at that which is connected to.

        Raises:
            NotPublic: it is not to be talked to.
        """
        family, kind, protocol, _name, address = info
        host, port = str(address[0]), int(address[1])
        if (host, port) not in self._resolved and not public(host):
            raise NotPublic(host)
        return socket.socket(family, kind, protocol)
