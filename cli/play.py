"""The demo itself: broker, topics, the three processes, the inbox; from the first post to the last alert delivered."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep
from typing import Any

import yaml

from agents.topics import apply_topics
from cli.broker import embedded_broker
from cli.check import read_watches
from cli.children import ChildDied, Children, children
from cli.follow import Follower
from cli.gauges import read_gauges
from cli.inbox import Inbox
from cli.progress import Progress, Tally
from cli.reading import read_posts
from cli.standin import StandIn, serve_inbox
from cli.summary import Summary, summarise
from cli.view import Moment, Plan, View
from pipeline.offline.replay import with_ticks
from schemas.errors import ConfigError
from schemas.event import Post
from schemas.settings import Settings, load_settings
from schemas.topics import PREFIX

CRISES = Path(__file__).parents[1] / "examples" / "crises"
PARTITIONS = 2
SLACK = ("slack_bot_token", "slack_webhook_url")
"""The settings whose variables have the names everybody knows, without our prefix."""
READY_SECONDS = 90.0
SPARE_SECONDS = 120.0
"""How much longer than the replay itself a run may take before it counts as failed."""
SETTLE_SECONDS = 2.5
"""How long everything must be finished before the run counts as ended: the worker tells its lag once a second."""


@dataclass(slots=True)
class Play:
    """One run of the demo. `settings` are the user's: of them only Slack's and the state folder are used."""

    settings: Settings
    speed: float
    folder: Path = CRISES

    def run(self, view: View) -> Summary:
        """Play to the end and return what happened.

        Raises:
            ChildDied: a process ended, or the run was not finished in time.
        """
        plan = self._plan()
        progress = Progress({watch.id: Tally() for watch in read_watches(self.folder / "watches.yml")})
        inbox = Inbox()
        with ExitStack() as stack:
            logs = stack.enter_context(_kept_on_failure())
            standin = stack.enter_context(serve_inbox(inbox))
            view.say(f"inbox: {standin.url}")
            view.inbox = standin.url
            broker = stack.enter_context(embedded_broker())
            settings = self._configure(broker, standin, logs)
            if self._real_slack:
                view.say("Slack: your own, as SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL says; the inbox shows the mail")
            apply_topics(settings)
            view.say(f"broker: {broker}, embedded, all topics created")
            group = stack.enter_context(children(logs, _environment(settings)))
            stack.callback(self.keep, inbox)
            follower = stack.enter_context(Follower(settings, progress))
            started = datetime.now(UTC)
            _start(group, view)
            self._follow(group, follower, view, plan)
            return summarise(progress, started, str(self.page))

    @property
    def _real_slack(self) -> bool:
        """Tell whether the user has given us a Slack of their own."""
        return any(getattr(self.settings, name).get_secret_value() for name in SLACK)

    @property
    def page(self) -> Path:
        """Where the inbox can be read after the end."""
        return self.settings.state / "demo" / "inbox.html"

    def keep(self, inbox: Inbox) -> None:
        """Write the inbox as a page to keep."""
        self.page.parent.mkdir(parents=True, exist_ok=True)
        self.page.write_text(inbox.page(), "utf-8")

    def _plan(self) -> Plan:
        if not self.folder.is_dir():
            raise ConfigError("the demo's posts are not there", where=str(self.folder), hint="run it from a checkout")
        posts = [post for post in read_posts(str(self.folder / "crises.jsonl")) if isinstance(post, Post)]
        end = max(moment for moment in with_ticks(posts) if isinstance(moment, datetime))
        return Plan(len(posts), posts[0].time, end, PARTITIONS)

    def _configure(self, broker: str, standin: StandIn, folder: Path) -> Settings:
        """Return the settings of the processes: everything here, except Slack where the user has a real one."""
        sources = folder / "sources.yml"
        sources.write_text(json.dumps(self._sources()))
        # no buttons: what is played is years ago, and an hour of silence from now would silence nothing of it
        slack: dict[str, Any] = {"SLACK_APP_TOKEN": ""}
        if not self._real_slack:
            slack |= {"SLACK_BOT_TOKEN": standin.token, "slack_api_url": standin.slack_api_url}
        return load_settings(
            kafka=broker, kafka_security_protocol="PLAINTEXT", topic_prefix=PREFIX, group_prefix="",
            partitions=PARTITIONS, replication=1, session_timeout=6,
            clock="events", watches=self.folder / "watches.yml", sources=sources, state=folder / "state",
            host="127.0.0.1", metrics_port=0, webhook_port=0, webhook_secrets="",
            smtp_host="127.0.0.1", smtp_port=standin.smtp_port, smtp_security="none", smtp_username="",
            **slack,
        )  # fmt: skip

    def _sources(self) -> Any:
        """Return the sources file at the speed that is asked for."""
        written = yaml.safe_load((self.folder / "sources.yml").read_text("utf-8"))
        for source in written["sources"]:
            source |= {"path": str(self.folder / source["path"]), "speed": self.speed}
        return written

    def _follow(self, group: Children, follower: Follower, view: View, plan: Plan) -> None:
        """Show what happens until nothing more will."""
        deadline = monotonic() + (plan.end - plan.start).total_seconds() / self.speed + SPARE_SECONDS
        finished_since: float | None = None
        while finished_since is None or monotonic() - finished_since < SETTLE_SECONDS:
            group.check()
            gauges = read_gauges(child.port for child in group.running)
            with follower.lock:
                if follower.failure:
                    raise follower.failure
                moment = Moment(follower.progress, gauges, plan)
                view.show(moment)
            if not moment.finished:
                finished_since = None
            elif finished_since is None:
                finished_since = monotonic()
            if monotonic() > deadline:
                raise _overdue(group, moment)
            sleep(0.2)


def _start(group: Children, view: View) -> None:
    """Start who receives before who sends, so that the first posts do not wait for the worker."""
    for name in ("deliver", "worker"):
        group.start(name)
    view.say("starting delivery and the worker, each a process of its own")
    for waiting in group.waiting(READY_SECONDS):
        view.wait(waiting)
    group.start("ingest", finite=True)
    view.say("starting ingest: the replay begins")


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the processes: ours without any setting of Earshot's, and `settings` instead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EARSHOT_", "SLACK_"))}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        kept[name.upper() if name in (*SLACK, "slack_app_token") else f"EARSHOT_{name.upper()}"] = text
    return kept | {"EARSHOT_LOG_LEVEL": settings.log_level}


def _overdue(group: Children, moment: Moment) -> ChildDied:
    """Return why the run was not finished in time, blaming the process that the records wait for."""
    progress, plan = moment.progress, moment.plan
    behind = "ingest" if progress.heard < plan.posts else "worker" if not moment.judged else "deliver"
    blamed = next(child for child in group.running if child.name == behind)
    return ChildDied(
        blamed,
        f"did not finish in time: {progress.heard} of {plan.posts} posts heard,"
        f" judged up to {moment.now:%Y-%m-%d %H:%M}; {moment.gauges.lag} records, {progress.waiting} deliveries wait",
    )


@contextmanager
def _kept_on_failure() -> Iterator[Path]:
    """Yield a temporary folder that is removed unless something goes wrong: then the logs in it are wanted."""
    folder = Path(mkdtemp(prefix="earshot-demo-"))
    try:
        yield folder
    except Exception:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
