"""XING, by the mails with which it notifies people: it has no public interface since 2019, and is not scraped.

    - {id: xing, kind: xing, host: imap.example.org, username: press, password: "env:MAIL", server: mx.example.org}

**Reads**: one folder of a mailbox, by IMAP, that gets the notifications of a XING account. Each mail that a rule is
about is one post: its text without the footer, its author as the subject or the sender's name tells, its first link to
XING. The rules that come with Earshot are NOT VERIFIED against real mails: compare them with yours, correct a copy of
`agents/ingest/rules/xing.yml` and name it with `rules:`. Two other ways in: the signed webhook takes posts of platform
`xing`, and kind `dropfolder` reads files.

**Auth**: as kind `alertmail`: user name and `password` or `oauth`; `server` names your mail server, whose word about
the DKIM signature of xing.com decides whether a mail counts.

**Limits**: as kind `alertmail`.

**Cursor**: UIDVALIDITY and UID of the last mail, and hashes of the last 500 Message-IDs.

**Guarantee**: at least once for what XING sends a mail about, minutes later. Nothing else on XING is seen.

**Gaps**: when the folder was numbered anew and nothing of what was read lately is left in it. What XING sends no mail
about is not noticed; neither are edits and deletions.
"""

from collections.abc import Mapping

from agents.ingest.mail.rules import MailRule, shipped
from agents.ingest.mail.source import MailEntry, MailSource


class Config(MailEntry):
    """See the module and `MailEntry`."""


class Xing(MailSource[Config]):
    """Follows the notifications in a mailbox."""

    Config = Config
    platforms = ("xing",)

    def shipped_rules(self) -> tuple[MailRule, ...]:
        """Return the rules for XING's mails."""
        return shipped("xing")

    def facts(self) -> Mapping[str, str | float]:
        """Return what is known of the mailbox; and that nobody has compared the rules with real mails."""
        about = {} if self.config.rules else {"rules": "shipped, not verified against real XING mails"}
        return {**super().facts(), **about}
