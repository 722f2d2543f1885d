"""Alerts that others' services send by mail: Google Alerts, Talkwalker, LinkedIn.

    - {id: alerts, kind: alertmail, host: mail.example.org, username: press, password: "env:MAIL", server: example.org}

**Reads**: one folder of a mailbox, by IMAP. The rules of `service` (`googlealerts`, `talkwalker`, `linkedin`), or of a
file of your own (`rules: my-rules.yml`, relative to the sources file), say which mails count and what in them is a
post. A Google Alert gives one post a result, under the address it leads to: from the JSON block that Google puts in
for programs, else from the HTML. Mails are never marked, moved or deleted: the folder is opened read-only.

**Auth**: user name and `password` (`env:NAME` or `file:/path`), or `oauth` (`url`, `client_id`, `client_secret`,
`refresh_token`, `scope`) where the provider wants tokens. `server` is the name by which your own mail server signs its
Authentication-Results: only a mail of which it says that the sender's domain has signed it (DKIM) becomes a post;
others go to earshot.dead as `forged` or `unchecked`. `server: nobody` trusts every mail.

**Limits**: looks when the server says that something is new (IDLE, begun anew every `every` at least), else every
`every` (60 s). Of a mail the first `max_bytes` (2 MiB) are read, of its text 512 KiB, of its results 500.

**Cursor**: UIDVALIDITY and UID of the last mail, and hashes of the last 500 Message-IDs.

**Guarantee**: at least once. When the folder is numbered anew, what was read is known by its Message-ID.

**Gaps**: when the folder was numbered anew and nothing of what was read lately is left in it. What is deleted or moved
before we see it is not noticed.
"""

from collections.abc import Mapping
from typing import Literal

from agents.ingest.mail.rules import MailRule, shipped
from agents.ingest.mail.source import MailEntry, MailSource


class Config(MailEntry):
    """See the module and `MailEntry`."""

    service: Literal["googlealerts", "talkwalker", "linkedin"] = "googlealerts"


class AlertMail(MailSource[Config]):
    """Follows the alerts in a mailbox."""

    Config = Config
    platforms = ("web", "linkedin")

    def shipped_rules(self) -> tuple[MailRule, ...]:
        """Return the rules of the service."""
        return shipped(self.config.service)

    def facts(self) -> Mapping[str, str | float]:
        """Return what is known of the mailbox; and whether anybody has compared the rules with real mails."""
        verified = self.config.rules or self.config.service == "googlealerts"
        about = {} if verified else {"rules": f"shipped, not verified against real mails of {self.config.service}"}
        return {**super().facts(), **about}
