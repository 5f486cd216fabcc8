"""Tenants: the accounts of an app that are the company's (pure).

Shared with the guard on the laptop: only the standard library may be imported here.

Rules:
1. Some apps exist for private people and for other companies too (``App.private_accounts``). There
   the account decides: such an app is captured only in an account that a policy names.
2. A tenant is ``APP: address HOST/PATH`` (pages below it), ``APP: domain EXAMPLE.COM`` (accounts
   with a mail address of exactly that domain) or ``APP: account WORD`` (a workspace or account).
3. Only certainty counts as the company's. What an app shows of the account must be a plain mail
   address, the domain or the word itself; case counts for nothing in ASCII letters and is compared
   exactly in all others, because they have look-alikes.
4. A tenant says nothing about what is not known: then the answer is None, and nothing is captured.
"""

import re
import string
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from app.policy.catalogue.address import Address, read_host
from app.policy.catalogue.patterns import Pattern, fits, read_pattern

MAX_WORD = 200

_MAIL_FOR_EVERYBODY = """
126.com 163.com aol.com arcor.de att.net bbox.fr bellsouth.net bigpond.com bk.ru bluewin.ch
bol.com.br btinternet.com comcast.net cox.net daum.net duck.com email.de fastmail.com fastmail.fm
foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com
hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
hotmail.nl hotmail.se hushmail.com icloud.com inbox.ru interia.pl laposte.net libero.it list.ru
live.co.uk live.com live.de live.fr live.nl live.no live.se mac.com mail.com mail.de mail.ru
mailbox.org me.com msn.com naver.com o2.pl onet.pl online.no orange.fr outlook.at outlook.com
outlook.de outlook.es outlook.fr outlook.in outlook.it pm.me posteo.de proton.me protonmail.ch
protonmail.com qq.com rediffmail.com rocketmail.com sbcglobal.net seznam.cz sfr.fr sina.com sky.com
t-online.de talktalk.net telenet.be tuta.com tuta.io tutanota.com ukr.net uol.com.br verizon.net
virgilio.it virginmedia.com wanadoo.fr web.de wp.pl yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk
yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it yandex.com yandex.ru yeah.net
ymail.com ziggo.nl zoho.com zohomail.com
"""
EVERYBODYS_DOMAINS = frozenset(_MAIL_FOR_EVERYBODY.split())
"""Domains of mail in which anybody can have an account: no account there is a company's.

No policy may name one (law/own_packs.py). What is published already is read as before: the list
grows, and no laptop goes dark because it did.
"""

_APP = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class TenantKind(StrEnum):
    """By what a tenant is known."""

    ADDRESS = "address"
    DOMAIN = "domain"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Tenant:
    """One account of an app, or all of a domain, that is the company's.

    Attributes:
        app: id of the catalogue.
        value: in the one form in which it is compared.
        pattern: the pages, of the kind ``ADDRESS`` only.
    """

    app: str
    kind: TenantKind
    value: str
    pattern: Pattern | None = None

    def __str__(self) -> str:
        """The tenant as policies and documents write it: the same tenant, the same text."""
        return f"{self.app}: {self.kind} {self.value}"

    def fits(self, address: Address | None, account: str | None) -> bool | None:
        """Whether a place is in this tenant; None: that cannot be known.

        >>> ours = read_tenant("google_docs: domain example.com")
        >>> ours.fits(None, "lane@example.com"), ours.fits(None, "lane@gmail.com")
        (True, False)
        >>> ours.fits(None, None) is None
        True

        Args:
            address: of the page; None where there is none, or it cannot be read.
            account: as the app shows it; None where that is not known.
        """
        if self.pattern is not None:
            return None if address is None else fits(address, self.pattern)
        if account is None:
            return None
        shown = account.translate(_LOWER)
        if self.kind is TenantKind.ACCOUNT:
            return shown == self.value
        return shown == self.value or _domain_of(shown) == self.value


def fitting(tenants: Iterable[Tenant], address: Address | None, account: str | None) -> bool | None:
    """Whether a place is in one of these tenants; None: nothing that they ask about is known.

    >>> ours = [read_tenant("slack: account acme"), read_tenant("slack: domain example.com")]
    >>> fitting(ours, None, "ACME"), fitting(ours, None, "evil"), fitting(ours, None, None)
    (True, False, None)

    Args:
        tenants: those of the app; none named is nothing known (rule 1).
        address: as in ``Tenant.fits``.
        account: the same.
    """
    answers = {tenant.fits(address, account) for tenant in tenants}
    if True in answers:
        return True
    return False if False in answers else None


@lru_cache(maxsize=4096)
def read_tenant(text: str) -> Tenant:
    """Read a tenant.

    >>> str(read_tenant("slack: account Acme"))
    'slack: account acme'

    Raises:
        ValueError: anything else; the message says what.
    """
    app, colon, rest = text.partition(": ")
    kind, space, value = rest.partition(" ")
    if not colon or not _APP.fullmatch(app):
        raise ValueError("a tenant begins with the id of an app and a colon")
    if not space or kind not in list(TenantKind):
        raise ValueError("after the app comes address HOST/PATH, domain NAME or account NAME")
    match TenantKind(kind):
        case TenantKind.ADDRESS:
            return Tenant(app, TenantKind.ADDRESS, value, read_pattern(value))
        case TenantKind.DOMAIN:
            return Tenant(app, TenantKind.DOMAIN, _domain(value))
        case TenantKind.ACCOUNT:
            return Tenant(app, TenantKind.ACCOUNT, _word(value))


def _domain(text: str) -> str:
    domain = read_host(text) or ""
    if domain != text.translate(_LOWER) or "." not in domain:
        raise ValueError(
            "the domain is not one of at least two parts in ASCII letters, as in example.com"
        )
    return domain


def _word(text: str) -> str:
    if not 0 < len(text) <= MAX_WORD or text != text.strip():
        raise ValueError(f"the account has 1 to {MAX_WORD} characters, without blanks around")
    if any(unicodedata.category(char)[0] == "C" for char in text):
        raise ValueError("the account holds a character that nobody sees")
    return text.translate(_LOWER)


def _domain_of(account: str) -> str | None:
    """What stands after the first @ of a mail address; None: what stands before it is not plain."""
    local, _, domain = account.partition("@")
    return domain if _LOCAL.fullmatch(local) else None
