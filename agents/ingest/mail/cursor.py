"""Where a mailbox has been read to, also when the server has numbered its mails anew."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas.checkpoint import Checkpoint

KEPT_IDS = 500
"""So many of the latest mails are known by their Message-ID."""


@dataclass(frozen=True, slots=True)
class MailCursor:
    """The greatest uid that was read, in which numbering, and hashes of the latest Message-IDs, oldest first."""

    validity: int = 0
    uid: int = 0
    ids: tuple[str, ...] = ()

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "MailCursor":
        """Return what a checkpoint holds; nothing has been read where it holds none of this."""
        cursor = checkpoint.cursor if checkpoint else {}
        if not (cursor.get("validity", "").isdecimal() and cursor.get("uid", "").isdecimal()):
            return cls()
        return cls(int(cursor["validity"]), int(cursor["uid"]), tuple(cursor.get("ids", "").split()))

    def cursor(self) -> dict[str, str]:
        """Return it as a checkpoint holds it."""
        return {"validity": str(self.validity), "uid": str(self.uid), "ids": " ".join(self.ids)}

    def read(self, uid: int, message_id: str = "") -> "MailCursor":
        """Return where we stand once the mail `uid` has been read."""
        ids = (*self.ids, _hash(message_id))[-KEPT_IDS:] if message_id else self.ids
        return replace(self, uid=max(self.uid, uid), ids=ids)

    def knows(self, message_id: str) -> bool:
        """Tell whether a mail with that Message-ID was among the latest that were read."""
        return _hash(message_id) in self.ids


def lost(cursor: MailCursor, there: Iterable[str]) -> bool:
    """Tell whether mails may be missing in a folder numbered anew: nothing that was read lately is `there` any more."""
    return bool(cursor.ids) and not any(cursor.knows(message_id) for message_id in there)


def _hash(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:12]
